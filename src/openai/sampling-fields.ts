import { number, oneOf, text, whole } from './rule.ts';
import type { Fields } from './rule.ts';
import { either, list, table } from './shape.ts';

const MAX_COUNT = 1_000_000;

/** How the next token is chosen: work that does not depend on the buyer, in the words of OpenAI, vLLM, llama.cpp and Ollama. */
export const sampling: Fields = {
  temperature: number(0, 10),
  top_p: number(0, 1),
  top_k: whole(-1, MAX_COUNT),
  min_p: number(0, 1),
  top_a: number(0, 1),
  typical_p: number(0, 1),
  frequency_penalty: number(-10, 10),
  presence_penalty: number(-10, 10),
  repetition_penalty: number(0, 10),
  repeat_penalty: number(0, 10),
  repeat_last_n: whole(-1, MAX_COUNT),
  mirostat: oneOf(0, 1, 2),
  mirostat_tau: number(0, 100),
  mirostat_eta: number(0, 10),
  seed: whole(-(2 ** 63), 2 ** 64),
  stop: either(text(256), list(text(256), 16)),
  logit_bias: table(number(-100, 100), 1024),
};
