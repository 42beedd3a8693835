import { msat } from './msat.ts';
import type { Msat } from './msat.ts';

const UNITS: Readonly<Record<string, bigint>> = { msat: 1n, sat: 1000n };
/** All bitcoin that can be, in msat. */
const MOST_MSAT = 21_000_000n * 100_000_000n * 1000n;

/** `5000msat` or `5sat`, more than nothing. Undefined: no such amount. A bare number is none: a slip of a factor 1000 is money. */
export function parseAmount(text: string): Msat | undefined {
  const [, digits, unit = ''] = /^(\d{1,20})(msat|sat)$/.exec(text) ?? [];
  if (digits === undefined) return undefined;
  const amount = BigInt(digits) * (UNITS[unit] ?? 0n);
  return amount > 0n && amount <= MOST_MSAT ? msat(amount) : undefined;
}

/** For reading: `12,345 msat (12.345 sat)`. */
export const amountText = (value: Msat): string =>
  `${value.toLocaleString('en')} msat (${(Number(value) / 1000).toLocaleString('en', { minimumFractionDigits: 3 })} sat)`;
