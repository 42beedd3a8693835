import { nanoOf } from './amount.ts';
import { DEFAULT_MAX_MULTIPLIER_BPS } from './pricing-schema.ts';
import type { WrittenPricing } from './pricing-schema.ts';
import type { Breach } from './problem.ts';

/** The keys of `pricing.rate` that each source needs, and those that mean something to it. */
const RATE_KEYS = {
  fixed: { needs: 'per_bitcoin', cure: 'add per_bitcoin: 97123.45, what a bitcoin costs', takes: ['per_bitcoin'] },
  file: { needs: 'path', cure: 'add path: the file that holds the figure', takes: ['path', 'json_path'] },
  http: { needs: 'url', cure: 'add url: what tells the figure', takes: ['url', 'json_path'] },
} as const;

function* rateBreaches(rate: NonNullable<WrittenPricing['rate']>): Generator<Breach> {
  const at = ['pricing', 'rate'];
  const { needs, cure, takes } = RATE_KEYS[rate.source];
  if (rate[needs] === undefined) yield { path: at, message: `source ${rate.source} needs ${needs}`, cure };
  for (const key of ['per_bitcoin', 'path', 'url', 'json_path'] as const)
    if (rate[key] !== undefined && !takes.some((name) => name === key))
      yield {
        path: [...at, key],
        message: `means nothing to source ${rate.source}`,
        cure: 'take it away, or change source',
      };
  const { min_per_bitcoin: min, max_per_bitcoin: max } = rate;
  if (min !== undefined && max !== undefined && nanoOf(min) > nanoOf(max))
    yield {
      path: [...at, 'max_per_bitcoin'],
      message: `is below min_per_bitcoin (${min})`,
      cure: 'raise it, or lower the other',
    };
  if (rate.source !== 'fixed' && rate.stale_seconds <= rate.cache_seconds)
    yield {
      path: [...at, 'stale_seconds'],
      message: `expected more than cache_seconds (${rate.cache_seconds}), got ${rate.stale_seconds}`,
      cure: 'raise it, or lower cache_seconds: else every figure is stale before the next one is there',
    };
}

/** Rules that span several keys of `pricing`. */
export function* pricingBreaches({ in_flight_surge: surge, hours, rate }: WrittenPricing): Generator<Breach> {
  if (surge && surge.per_job_bps > 0 && surge.max_multiplier_bps > 0 && surge.max_multiplier_bps < 10_000)
    yield {
      path: ['pricing', 'in_flight_surge', 'max_multiplier_bps'],
      message: `expected 0 or at least 10000, got ${surge.max_multiplier_bps}`,
      cure: `write for example ${DEFAULT_MAX_MULTIPLIER_BPS} (three times); less than 10000 would be a discount for being busy`,
    };
  for (const [index, { from, to }] of (hours?.windows ?? []).entries())
    if (from === to)
      yield {
        path: ['pricing', 'hours', 'windows', index, 'to'],
        message: 'a window that ends when it begins',
        cure: 'write 00:00 and 24:00 for the whole day',
      };
  if (rate) yield* rateBreaches(rate);
}
