import type { Clock } from '../clock/clock.ts';
import { beside } from '../program/beside.ts';
import { CountingThread } from './counting-thread.ts';
import { encodingOf } from './encoding.ts';
import type { Estimator } from './estimator.ts';
import type { OpenAiTask } from './openai-worker.ts';
import { countByTexts } from './text-count.ts';

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
    vocabulary: 'foreign',
    // The first request should not wait for the vocabulary.
    prepare: async (model, _taskKind, signal) =>
      void (await thread.run({ encoding: encodingOf(model), texts: [] }, signal)),
    count: async (request, { signal }) => {
      signal.throwIfAborted();
      return countByTexts(request, (texts) => thread.run({ encoding: encodingOf(request.model), texts }, signal));
    },
    close: () => thread.close(),
  };
}
