import { z } from 'zod';
import { taskKinds } from '../openai/request.ts';
import { text, whole } from './fields.ts';
import { LOCAL_OLLAMA, LOCAL_OLLAMA_HOST, httpUrl, ollamaUrl } from './url.ts';

const MAX_SLOTS = 4096;

const name = z
  .string()
  .regex(/^[A-Za-z0-9][\w.-]{0,63}$/, { error: 'expected a name of letters, digits, "-", "_" and "."' })
  .describe('Your name for this backend, in logs and metrics. Must be unique.');

const models = z
  .array(text('A model id; * stands for any characters.'))
  .min(1)
  .optional()
  .describe(
    'Sell only these models of this backend; * stands for any characters. Default: every model that has a price.',
  );

const slots = (fallback: number, more = '') =>
  whole(`Jobs that run at once on this backend; others wait in the queue.${more}`, fallback, { max: MAX_SLOTS });

const ollama = z
  .strictObject({
    name,
    driver: z.literal('ollama').describe('An Ollama server.'),
    url: z
      .string()
      .refine((value) => ollamaUrl(value) !== undefined, {
        error: 'expected the address of an Ollama server',
        params: { cure: `write it like ${LOCAL_OLLAMA} or ${LOCAL_OLLAMA_HOST}` },
      })
      .optional()
      .describe(
        `Where Ollama listens: a URL or host:port. Default: OLLAMA_HOST from the environment, else ${LOCAL_OLLAMA}.`,
      ),
    slots: slots(1, ' Set it to OLLAMA_NUM_PARALLEL.'),
    loaded_models: whole(
      'Models that fit into its memory at once, as OLLAMA_MAX_LOADED_MODELS says. Up to that many are loaded beside one that is sold; with 1, another is loaded only when no job and no quote needs the one before.',
      1,
      { max: MAX_SLOTS },
    ),
    models,
  })
  .describe('Models that Ollama runs on this or another machine.');

const openai = z
  .strictObject({
    name,
    driver: z.literal('openai').describe('A server that speaks the OpenAI API.'),
    url: z
      .string()
      .refine((value) => httpUrl(value) !== undefined, {
        error: 'expected an http or https URL without user, password and query',
        params: { cure: 'write the base URL, with /v1 where the server has it, like http://127.0.0.1:8000/v1' },
      })
      .describe('Base URL of the server, with /v1 where it has it: http://127.0.0.1:8000/v1. Required.'),
    api_key: z
      .string()
      .max(4096)
      .optional()
      .describe('Key of the server; take it from the environment: "${VLLM_API_KEY:-}". Never logged. Default: none.'),
    slots: slots(8),
    output_cap_field: z
      .enum(['max_tokens', 'max_completion_tokens', 'both'])
      .default('max_tokens')
      .describe(
        'The field in which this server takes the output limit: max_tokens (most local servers), max_completion_tokens (newer OpenAI models), or both. Default max_tokens.',
      ),
    task_kinds: z
      .array(z.enum(taskKinds))
      .min(1)
      .optional()
      .describe(
        'The kinds of work that this server takes; only these are sold of its models. Default: it is asked, with an empty request for each kind; what it answers with 404, 405 or 501 is not sold.',
      ),
    models,
  })
  .describe('vLLM, llama.cpp, LM Studio, SGLang, or any other server that speaks the OpenAI API.');

const demo = z
  .strictObject({
    name,
    driver: z.literal('demo').describe('Invented answers, for trying things out.'),
    slots: slots(4),
    token_delay_ms: whole('Milliseconds between two tokens of an answer.', 15, { min: 0, max: 60_000 }),
  })
  .describe('The built-in demo: it answers without a model, so that everything else can be tried.');

/** One backend, as written. */
export const backendSchema = z.discriminatedUnion('driver', [ollama, openai, demo]);
