import type { Estimator } from './estimator.ts';

const BYTES_PER_TOKEN = 4;

/**
 * One token for each four bytes of the whole request body, rounded up: what go-lcpd counts, so that its buyers see the prices that they know. About
 * right for English; low for other scripts and code.
 */
export const createBytesEstimator = (): Estimator => ({
  name: 'bytes',
  prepare: () => Promise.resolve(),
  count: async ({ inputBytes }, { signal }) => {
    signal.throwIfAborted();
    return { tokens: Math.max(1, Math.ceil(inputBytes / BYTES_PER_TOKEN)), accuracy: 'estimate' };
  },
  close: () => Promise.resolve(),
});
