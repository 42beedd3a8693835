import type { Clock } from '../clock/clock.ts';
import { createBytesEstimator } from '../estimating/bytes.ts';
import type { Estimator } from '../estimating/estimator.ts';
import { createOpenAiEstimator } from '../estimating/openai.ts';
import type { EstimatorName } from '../pricing/price-list.ts';

export type Estimators = Readonly<Record<EstimatorName, Estimator>>;

/** Every estimator that a price list may name. Workers start when they are first needed. */
export const openEstimators = (clock: Clock): Estimators => ({
  bytes: createBytesEstimator(),
  openai: createOpenAiEstimator({ clock }),
});

export async function closeEstimators(estimators: Estimators): Promise<void> {
  await Promise.all(Object.values(estimators).map((estimator) => estimator.close()));
}
