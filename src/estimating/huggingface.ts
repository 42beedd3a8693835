import type { Clock } from '../clock/clock.ts';
import { beside } from '../program/beside.ts';
import { partTokens } from '../openai/prompt-part.ts';
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
  const thread = new CountingThread<HuggingFaceTask, number[]>({ module, ...options });
  return {
    name: 'huggingface',
    prepare: async (_model, _taskKind, signal) => void (await thread.run({ file, texts: ['x'] }, signal)),
    count: async ({ promptText, promptParts }, { signal }) => {
      signal.throwIfAborted();
      const bytes = textBytes(promptText);
      const counts = bytes > MAX_TEXT_BYTES ? undefined : await thread.run({ file, texts: promptText }, signal);
      if (counts === undefined) return { tokens: Math.max(1, bytes), accuracy: 'bound' };
      const tokens = counts.reduce((sum, count) => sum + count, 0);
      return { tokens: Math.max(1, tokens), accuracy: 'estimate', partTokens: partTokens(promptParts, counts) };
    },
    close: () => thread.close(),
  };
}
