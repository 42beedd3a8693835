import type { Clock } from '../clock/clock.ts';
import { beside } from '../program/beside.ts';
import { CountingThread } from './counting-thread.ts';
import type { Estimator } from './estimator.ts';
import type { HuggingFaceTask } from './huggingface-worker.ts';
import { countByTexts } from './text-count.ts';

export interface HuggingFaceEstimatorOptions {
  readonly clock: Clock;
  /** Absolute path of the model's tokenizer.json; a tokenizer_config.json beside it is read too. */
  readonly file: string;
  /** As of the counting thread. */
  readonly timeLimitMs?: number;
}

const module = beside(import.meta.url, './huggingface-worker');

/** Counts the text with the model's own tokenizer.json, in a worker thread; what the chat template adds is learned from finished jobs. */
export function createHuggingFaceEstimator({ file, ...options }: HuggingFaceEstimatorOptions): Estimator {
  const thread = new CountingThread<HuggingFaceTask, number[]>({ module, ...options });
  return {
    name: 'huggingface',
    prepare: async (_model, _taskKind, signal) => void (await thread.run({ file, texts: ['x'] }, signal)),
    count: async (request, { signal }) => {
      signal.throwIfAborted();
      return countByTexts(request, (texts) => thread.run({ file, texts }, signal));
    },
    close: () => thread.close(),
  };
}
