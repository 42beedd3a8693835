/** Basis points that leave a price as it is. */
export const BASE_BPS = 10_000n;

/** A factor on the list price, in basis points: 10,000 leaves it as it is. */
export interface PriceRule {
  readonly name: string;
  readonly multiplierBps: number;
}

/** Prices rise with the jobs under way: a busy provider sells to those who need it most. go-lcpd's `pricing.in_flight_surge`. */
export interface LoadSettings {
  /** Jobs under way that cost nothing extra. */
  readonly threshold: number;
  /** Added for each job above the threshold; 0: the price stays. */
  readonly perJobBps: number;
  /** The factor never exceeds this. Absent or 0: 30,000, as go-lcpd has it. */
  readonly maxMultiplierBps?: number;
}

const BASE = Number(BASE_BPS);
const DEFAULT_MAX_BPS = 30_000;

/** The factor for a quote made while `jobsUnderWay` jobs run; never below 10,000, so that load only ever makes a job dearer. */
export function loadRule({ threshold, perJobBps, maxMultiplierBps }: LoadSettings, jobsUnderWay: number): PriceRule {
  const above = Math.max(0, jobsUnderWay - threshold);
  const most = maxMultiplierBps || DEFAULT_MAX_BPS;
  return { name: 'in_flight_surge', multiplierBps: Math.max(BASE, Math.min(most, BASE + perJobBps * above)) };
}
