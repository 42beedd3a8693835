import type { Clock } from '../clock/clock.ts';
import { beside } from '../program/beside.ts';
import { partTokens } from '../openai/prompt-part.ts';
import { CountingThread } from './counting-thread.ts';
import { encodingOf } from './encoding.ts';
import type { Estimator } from './estimator.ts';
import type { OpenAiTask } from './openai-worker.ts';
import { MAX_TEXT_BYTES, textBytes } from './text-size.ts';
import { usualTemplateTokens } from './usual-template.ts';

export interface OpenAiEstimatorOptions {
  readonly clock: Clock;
  /** As of the counting thread. */
  readonly timeLimitMs?: number;
  readonly maxWaiting?: number;
}

const module = beside(import.meta.url, './openai-worker');

/**
 * Counts with the vocabularies of OpenAI's models, in a worker thread that is stopped when a text takes too long. Whatever can not be counted in
 * time is priced by its upper bound: no token has less than one byte. What the buyer paid too much becomes credit once the real usage is known.
 */
export function createOpenAiEstimator(options: OpenAiEstimatorOptions): Estimator {
  const thread = new CountingThread<OpenAiTask, number[]>({ module, ...options });
  return {
    name: 'openai',
    // The first request should not wait for the vocabulary.
    prepare: async (model, _taskKind, signal) =>
      void (await thread.run({ encoding: encodingOf(model), texts: [] }, signal)),
    count: async ({ promptText, promptParts, shape, model }, { signal }) => {
      signal.throwIfAborted();
      const overhead = usualTemplateTokens(shape);
      const bytes = textBytes(promptText);
      const task = { encoding: encodingOf(model), texts: promptText };
      const counts = bytes > MAX_TEXT_BYTES ? undefined : await thread.run(task, signal);
      if (counts === undefined) return { tokens: bytes + overhead, accuracy: 'bound' };
      const tokens = counts.reduce((sum, count) => sum + count, 0);
      return { tokens: tokens + overhead, accuracy: 'estimate', partTokens: partTokens(promptParts, counts) };
    },
    close: () => thread.close(),
  };
}
