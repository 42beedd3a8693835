import { z } from 'zod';
import { NANO_PER_ONE, parseDecimal } from '../money/decimal.ts';
import type { Nano } from '../money/decimal.ts';

/** What marks a decimal in the JSON schema: written as a number or as a text, it is read digit by digit. */
export const DECIMAL_FORMAT = 'decimal';

/** Above any amount of money; far below what arithmetic can hold. */
const MAX_NANO = 1_000_000_000_000n * NANO_PER_ONE;

const WRITE = 'write digits, with at most nine after the point, like 0.15';

/** A decimal of 0 or more; `isPositive`: above 0. It stays the text that it is, never a double. */
export const decimal = (description: string, { isPositive = false } = {}) =>
  z
    .string()
    .refine((text) => isAmount(parseDecimal(text), isPositive), {
      error: isPositive ? 'expected an amount above 0, like 97123.45' : 'expected an amount like 0.15',
      params: { cure: WRITE },
      abort: true,
    })
    .meta({ description, format: DECIMAL_FORMAT });

const isAmount = (value: Nano | undefined, isPositive: boolean): boolean =>
  value !== undefined && value <= MAX_NANO && (value > 0n || !isPositive);

/** The amount in a text that a `decimal` has let through. */
export function nanoOf(text: string): Nano {
  const value = parseDecimal(text);
  if (value === undefined) throw new RangeError('an amount was not checked');
  return value;
}

const isFiat = (name: string): boolean => /^[A-Z]{3}$/.test(name) && name !== 'BTC';

/** A currency that has to be turned into msat by a rate: `USD` and the like. */
export const fiat = z.string().refine(isFiat, {
  error: 'expected a currency in three capital letters',
  params: { cure: 'write it like USD or EUR' },
});

/** What amounts of a price are counted in. */
export const currency = z.string().refine((name) => name === 'msat' || name === 'sat' || isFiat(name), {
  error: 'expected msat, sat, or a currency in three capital letters like USD',
  params: { cure: 'write one of these; what is counted in bitcoin is written in sat' },
});
