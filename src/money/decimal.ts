/** Billionths of a unit of some currency: amounts that people write as decimals, exact. */
export type Nano = bigint & { readonly unit: 'nano' };

/** Billionths in one. */
export const NANO_PER_ONE = 1_000_000_000n;

export const nano = (value: bigint): Nano => value as Nano;

const DECIMAL = /^(\d[\d_]{0,14})(?:\.(\d{1,9}))?$/;

/** The amount that a text like `97123.45` or `1_000` tells, 0 or more, to the billionth. Undefined: it is none, or finer or longer than that. */
export function parseDecimal(text: string): Nano | undefined {
  const [, whole, fraction = ''] = DECIMAL.exec(text.trim()) ?? [];
  return whole === undefined ? undefined : nano(BigInt(whole.replaceAll('_', '') + fraction.padEnd(9, '0')));
}

/** As people write it: `0.15`, `97123.45`. */
export const decimalText = (value: Nano): string => ratioText(value, NANO_PER_ONE);

/** A quotient for reading, cut after nine places. `denominator` is above 0. */
export function ratioText(numerator: bigint, denominator: bigint): string {
  const nanos = (numerator * NANO_PER_ONE) / denominator;
  const fraction = (nanos % NANO_PER_ONE).toString().padStart(9, '0').replace(/0+$/, '');
  const whole = (nanos / NANO_PER_ONE).toString();
  return fraction === '' ? whole : `${whole}.${fraction}`;
}
