import type { Estimator } from './estimator.ts';

/** The same count for every request, for models that are sold by the request. */
export const createFixedEstimator = (tokens: number): Estimator => ({
  name: 'fixed',
  prepare: () => Promise.resolve(),
  count: async (_request, { signal }) => {
    signal.throwIfAborted();
    return { tokens, accuracy: 'convention' };
  },
  close: () => Promise.resolve(),
});
