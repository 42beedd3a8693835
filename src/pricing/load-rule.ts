import { BASE_BPS } from './price-rule.ts';
import type { PriceRule } from './price-rule.ts';

/** Prices rise with the jobs under way: a busy provider sells to those who need it most. go-lcpd's `pricing.in_flight_surge`. */
export interface LoadSettings {
  /** Jobs under way that cost nothing extra. */
  readonly threshold: number;
  /** Added for each job above the threshold; 0: the price stays. */
  readonly perJobBps: number;
  /** The factor never exceeds this. */
  readonly maxMultiplierBps: number;
}

const BASE = Number(BASE_BPS);

/** The factor for a quote made while `jobsUnderWay` jobs run; never below 10,000, so that load only ever makes a job dearer. */
export function loadRule({ threshold, perJobBps, maxMultiplierBps }: LoadSettings, jobsUnderWay: number): PriceRule {
  const above = Math.max(0, jobsUnderWay - threshold);
  return {
    name: 'in_flight_surge',
    multiplierBps: Math.max(BASE, Math.min(maxMultiplierBps, BASE + perJobBps * above)),
  };
}
