import type { Estimator } from './estimator.ts';

const BYTES_PER_TOKEN = 4;

/** One token for each four bytes of the request body, rounded up: what go-lcpd counts. */
export const createBytesEstimator = (): Estimator => ({
  name: 'bytes',
  estimate: (request) => Promise.resolve(Math.max(1, Math.ceil(request.inputBytes / BYTES_PER_TOKEN))),
  close: () => Promise.resolve(),
});
