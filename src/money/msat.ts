/** Millisatoshi. A type of its own so that no plain bigint or number passes for money. */
export type Msat = bigint & { readonly unit: 'msat' };

/** Marks a bigint as millisatoshi. */
export const msat = (value: bigint | number): Msat => BigInt(value) as Msat;

export const ZERO_MSAT = msat(0n);

export const subtractMsat = (from: Msat, value: Msat): Msat => msat(from - value);

export const maxMsat = (a: Msat, b: Msat): Msat => (a > b ? a : b);

export const minMsat = (a: Msat, b: Msat): Msat => (a < b ? a : b);
