import type { HoursSettings } from '../pricing/hours-rule.ts';
import type { LoadSettings } from '../pricing/load-rule.ts';
import { nanoOf } from './amount.ts';
import type { RateConfig } from './config.ts';
import { pathFrom } from './path-from.ts';
import { DEFAULT_MAX_MULTIPLIER_BPS } from './pricing-schema.ts';
import type { WrittenPricing } from './pricing-schema.ts';

/** Absent: off. */
export function surgeSettings({ in_flight_surge: surge }: WrittenPricing): LoadSettings | undefined {
  if (surge === undefined || surge.per_job_bps === 0) return undefined;
  return {
    threshold: surge.threshold,
    perJobBps: surge.per_job_bps,
    maxMultiplierBps: surge.max_multiplier_bps || DEFAULT_MAX_MULTIPLIER_BPS,
  };
}

export function hoursSettings({ hours }: WrittenPricing): HoursSettings | undefined {
  if (hours === undefined) return undefined;
  const local = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return {
    timeZone: hours.time_zone === 'local' ? local : hours.time_zone,
    windows: hours.windows.map(({ from, to, multiplier_bps: multiplierBps }) => ({
      fromMinute: minutes(from) % (24 * 60),
      toMinute: minutes(to),
      multiplierBps,
    })),
  };
}

function minutes(time: string): number {
  const [hour = 0, minute = 0] = time.split(':').map(Number);
  return hour * 60 + minute;
}

/** The rules have made sure that each source has what it needs. */
export function rateSettings({ rate }: WrittenPricing, directory: string): RateConfig | undefined {
  if (rate === undefined) return undefined;
  const { currency, json_path: jsonPath, min_per_bitcoin: min, max_per_bitcoin: max } = rate;
  if (rate.source === 'fixed') return { source: 'fixed', currency, nanoPerBitcoin: nanoOf(rate.per_bitcoin ?? '') };
  const polled = {
    currency,
    ...(jsonPath !== undefined && { jsonPath }),
    cacheSeconds: rate.cache_seconds,
    timeoutSeconds: rate.timeout_seconds,
    staleSeconds: rate.stale_seconds,
    bounds: { ...(min !== undefined && { min: nanoOf(min) }), ...(max !== undefined && { max: nanoOf(max) }) },
  };
  return rate.source === 'file'
    ? { source: 'file', path: pathFrom(directory, rate.path ?? ''), ...polled }
    : { source: 'http', url: rate.url ?? '', ...polled };
}
