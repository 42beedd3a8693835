import type { Clock } from '../clock/clock.ts';
import { beside } from '../program/beside.ts';
import { CountingThread } from './counting-thread.ts';
import type { Estimator } from './estimator.ts';
import type { OwnModuleTask } from './own-module-worker.ts';
import { MAX_TEXT_BYTES, textBytes } from './text-size.ts';

export interface OwnModuleOptions {
  readonly clock: Clock;
  /** Absolute path of a JavaScript module that exports `countTokens(input)`: see OwnModuleInput. */
  readonly file: string;
  /** As of the counting thread. */
  readonly timeLimitMs?: number;
}

const module = beside(import.meta.url, './own-module-worker');

/** Counts with a function of the operator's, in a worker thread: one that hangs or throws costs its time limit, and the next estimator counts. */
export function createOwnModuleEstimator({ file, ...options }: OwnModuleOptions): Estimator {
  const thread = new CountingThread<OwnModuleTask, number>({ module, ...options });
  return {
    name: 'module',
    prepare: async (_model, _taskKind, signal) => void (await thread.run({ file }, signal)),
    count: async ({ taskKind, model, inputBytes, promptText, shape, images }, { signal }) => {
      signal.throwIfAborted();
      const isTooLong = textBytes(promptText) > MAX_TEXT_BYTES;
      const input = { taskKind, model, inputBytes, promptText, shape, images };
      const tokens = isTooLong ? undefined : await thread.run({ file, input }, signal);
      return tokens === undefined ? { tokens: inputBytes, accuracy: 'bound' } : { tokens, accuracy: 'estimate' };
    },
    close: () => thread.close(),
  };
}
