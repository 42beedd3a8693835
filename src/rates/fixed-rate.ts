import type { Clock } from '../clock/clock.ts';
import type { Nano } from '../money/decimal.ts';
import type { RateSource } from './rate-source.ts';

/** The owner's own figure. */
export function fixedRate(currency: string, nanoPerBitcoin: Nano, clock: Clock): RateSource {
  const rate = { currency, nanoPerBitcoin, source: 'fixed', atMs: clock.nowMs() };
  return {
    rate: () => rate,
    onChanged: () => () => undefined,
    start: () => Promise.resolve(),
    close: () => undefined,
  };
}
