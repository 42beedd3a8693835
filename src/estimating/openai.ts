import type { Clock } from '../clock/clock.ts';
import { CountingThread } from './counting-thread.ts';
import { encodingOf } from './encoding.ts';
import type { Estimator } from './estimator.ts';
import type { OpenAiTask } from './openai-worker.ts';

/** Tokens around each message (role, separators, name), as OpenAI's cookbook counts them for chat models, rounded up. */
const TOKENS_PER_MESSAGE = 4;
/** What opens the answer. */
const TOKENS_PER_REQUEST = 3;
/** Longer texts get the upper bound at once. */
const MAX_TEXT_BYTES = 8 * 1024 * 1024;

export interface OpenAiEstimatorOptions {
  readonly clock: Clock;
  /** As of the counting thread. */
  readonly timeLimitMs?: number;
  readonly maxWaiting?: number;
}

// The same folder holds .ts when run from source and .js when built.
const module = new URL(import.meta.url.endsWith('.ts') ? './openai-worker.ts' : './openai-worker.js', import.meta.url);

/**
 * Counts with the vocabularies of OpenAI's models, in a worker thread that is stopped when a text takes too long. Whatever can not be counted in
 * time is priced by its upper bound: no token has less than one byte. What the buyer paid too much becomes credit once the real usage is known.
 */
export function createOpenAiEstimator(options: OpenAiEstimatorOptions): Estimator {
  const thread = new CountingThread<OpenAiTask, number>({ module, ...options });
  return {
    name: 'openai',
    // The first request should not wait for the vocabulary.
    prepare: async (model, signal) => void (await thread.run({ encoding: encodingOf(model), texts: [] }, signal)),
    count: async ({ promptText, shape, model }, { signal }) => {
      signal.throwIfAborted();
      const messages = shape.system + shape.user + shape.assistant + shape.tool;
      const overhead = messages * TOKENS_PER_MESSAGE + TOKENS_PER_REQUEST;
      const bytes = promptText.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
      const task = { encoding: encodingOf(model), texts: promptText };
      const tokens = bytes > MAX_TEXT_BYTES ? undefined : await thread.run(task, signal);
      if (tokens === undefined) return { tokens: bytes + overhead, accuracy: 'bound' };
      return { tokens: tokens + overhead, accuracy: 'estimate', textTokens: tokens };
    },
    close: () => thread.close(),
  };
}
