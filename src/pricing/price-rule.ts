/** Basis points that leave a price as it is. */
export const BASE_BPS = 10_000n;

/** A factor on the list price, in basis points: 10,000 leaves it as it is. */
export interface PriceRule {
  readonly name: string;
  readonly multiplierBps: number;
}
