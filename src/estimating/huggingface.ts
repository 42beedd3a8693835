import type { Clock } from '../clock/clock.ts';
import { beside } from '../program/beside.ts';
import { CountingThread } from './counting-thread.ts';
import type { Estimator } from './estimator.ts';
import type { HuggingFaceTask } from './huggingface-worker.ts';
import { MAX_TEXT_BYTES, textBytes } from './text-size.ts';

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
  const thread = new CountingThread<HuggingFaceTask, number>({ module, ...options });
  return {
    name: 'huggingface',
    prepare: async (_model, _taskKinds, signal) => void (await thread.run({ file, texts: ['x'] }, signal)),
    count: async ({ promptText }, { signal }) => {
      signal.throwIfAborted();
      const bytes = textBytes(promptText);
      const tokens = bytes > MAX_TEXT_BYTES ? undefined : await thread.run({ file, texts: promptText }, signal);
      if (tokens === undefined) return { tokens: Math.max(1, bytes), accuracy: 'bound' };
      return { tokens: Math.max(1, tokens), accuracy: 'estimate', textTokens: tokens };
    },
    close: () => thread.close(),
  };
}
