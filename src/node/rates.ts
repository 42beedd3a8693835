import type { Logger } from 'pino';
import type { Clock } from '../clock/clock.ts';
import type { RateConfig } from '../config/config.ts';
import { fixedRate } from '../rates/fixed-rate.ts';
import { PolledRate } from '../rates/polled-rate.ts';
import type { RateSource } from '../rates/rate-source.ts';
import { fetchRate, readFileRate } from '../rates/read-rate.ts';

/** The configured source of the exchange rate; nothing is asked before its start. Undefined: none is configured. */
export function openRates(config: RateConfig | undefined, clock: Clock, log: Logger): RateSource | undefined {
  if (config === undefined) return undefined;
  if (config.source === 'fixed') return fixedRate(config.currency, config.nanoPerBitcoin, clock);
  const { currency, jsonPath, cacheSeconds, timeoutSeconds, staleSeconds, bounds } = config;
  const isFile = config.source === 'file';
  return new PolledRate({
    currency,
    source: isFile ? `file ${config.path}` : `http ${new URL(config.url).host}`,
    read: (signal) =>
      isFile ? readFileRate(config.path, jsonPath) : fetchRate(config.url, jsonPath, () => clock.nowMs(), signal),
    everyMs: cacheSeconds * 1000,
    timeoutMs: timeoutSeconds * 1000,
    staleMs: staleSeconds * 1000,
    bounds,
    clock,
    log,
  });
}
