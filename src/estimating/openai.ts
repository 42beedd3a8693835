import type { Clock } from '../clock/clock.ts';
import { createBytesEstimator } from './bytes.ts';
import type { Estimator } from './estimator.ts';

export const createOpenAiEstimator = (_options: { clock: Clock }): Estimator => createBytesEstimator();
