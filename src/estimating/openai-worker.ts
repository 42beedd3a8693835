import { parentPort } from 'node:worker_threads';
import { pieces } from './encoding.ts';
import type { EncodingName } from './encoding.ts';

export interface CountTask {
  readonly id: number;
  readonly encoding: EncodingName;
  readonly texts: readonly string[];
}

export interface CountAnswer {
  readonly id: number;
  readonly tokens: number;
}

/** What a buyer types as a special token is text to the model's server. */
const asText = { disallowedSpecial: new Set<string>() };

const vocabularies = {
  o200k_base: () => import('gpt-tokenizer/encoding/o200k_base'),
  cl100k_base: () => import('gpt-tokenizer/encoding/cl100k_base'),
} as const;

async function count({ id, encoding, texts }: CountTask): Promise<void> {
  const { countTokens } = await vocabularies[encoding]();
  let tokens = 0;
  for (const text of texts) for (const piece of pieces(text)) tokens += countTokens(piece, asText);
  parentPort?.postMessage({ id, tokens } satisfies CountAnswer);
}

parentPort?.on('message', (task: CountTask) => void count(task));
