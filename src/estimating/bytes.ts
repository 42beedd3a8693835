import { hasOutput } from '../openai/request.ts';
import type { Estimator } from './estimator.ts';

const BYTES_PER_TOKEN = 4;
/** Around each text of an embeddings request; of short texts it is the greater part. */
const TOKENS_PER_INPUT = 2;

/**
 * One token for each four bytes of the whole request body, rounded up: what go-lcpd counts, so that its buyers see the prices that they know. About
 * right for English; low for other scripts and code.
 */
export const createBytesEstimator = (): Estimator => ({
  name: 'bytes',
  prepare: () => Promise.resolve(),
  count: async ({ taskKind, inputBytes, shape }, { signal }) => {
    signal.throwIfAborted();
    const around = hasOutput(taskKind) ? 0 : shape.user * TOKENS_PER_INPUT;
    return { tokens: Math.max(1, Math.ceil(inputBytes / BYTES_PER_TOKEN)) + around, accuracy: 'convention' };
  },
  close: () => Promise.resolve(),
});
