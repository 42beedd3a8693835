import type { Nano } from '../money/decimal.ts';

export const MSAT_PER_BITCOIN = 100_000_000_000n;

/** What a bitcoin cost at some moment. */
export interface Rate {
  /** Three capital letters. */
  readonly currency: string;
  /** Above 0. */
  readonly nanoPerBitcoin: Nano;
  /** For the reader: where it came from, without a secret. */
  readonly source: string;
  /** Unix ms: when it was said. */
  readonly atMs: number;
}
