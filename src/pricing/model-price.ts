import type { Nano } from '../money/decimal.ts';
import type { Msat } from '../money/msat.ts';
import type { Rate } from './rate.ts';
import { MSAT_PER_BITCOIN } from './rate.ts';

/** What a model costs, in msat. */
export interface TokenPrice {
  readonly inputMsatPerMtok: Msat;
  /** Absent: as input. */
  readonly cachedInputMsatPerMtok?: Msat;
  readonly outputMsatPerMtok: Msat;
  /** For the request itself, whatever its length. */
  readonly requestMsat: Msat;
  /** For each image, its tokens included. Absent: images are not sold. */
  readonly imageMsat?: Msat;
  /** The least that a job of this model costs. Absent: nothing of its own. */
  readonly minimumMsat?: Msat;
}

/** What a model costs, in a currency that is turned into msat when a quote is made; as TokenPrice else. */
export interface FiatPrice {
  /** Three capital letters. */
  readonly currency: string;
  readonly inputNanoPerMtok: Nano;
  readonly cachedInputNanoPerMtok?: Nano;
  readonly outputNanoPerMtok: Nano;
  readonly requestNano: Nano;
  readonly imageNano?: Nano;
  readonly minimumNano?: Nano;
}

export type ModelPrice = TokenPrice | FiatPrice;

/** A price's amounts, whatever they are counted in: of tokens for a million, of all else for one. */
export interface Amounts {
  readonly input: bigint;
  readonly cachedInput: bigint;
  readonly output: bigint;
  readonly request: bigint;
  /** Undefined: images are not sold. */
  readonly image: bigint | undefined;
  readonly minimum: bigint;
}

/** The currency that has to be turned into msat; undefined: the price is in msat. */
export const currencyOf = (price: ModelPrice): string | undefined => ('currency' in price ? price.currency : undefined);

export function amountsOf(price: ModelPrice): Amounts {
  if ('currency' in price)
    return {
      input: price.inputNanoPerMtok,
      cachedInput: price.cachedInputNanoPerMtok ?? price.inputNanoPerMtok,
      output: price.outputNanoPerMtok,
      request: price.requestNano,
      image: price.imageNano,
      minimum: price.minimumNano ?? 0n,
    };
  return {
    input: price.inputMsatPerMtok,
    cachedInput: price.cachedInputMsatPerMtok ?? price.inputMsatPerMtok,
    output: price.outputMsatPerMtok,
    request: price.requestMsat,
    image: price.imageMsat,
    minimum: price.minimumMsat ?? 0n,
  };
}

/** What one of a price's amounts is worth in msat, as an exact quotient. Throws RangeError without a rate of the price's currency. */
export function msatRatio(price: ModelPrice, rate: Rate | undefined): { numerator: bigint; denominator: bigint } {
  const currency = currencyOf(price);
  if (currency === undefined) return { numerator: 1n, denominator: 1n };
  if (rate?.currency !== currency || rate.nanoPerBitcoin <= 0n) throw new RangeError(`there is no rate of ${currency}`);
  return { numerator: MSAT_PER_BITCOIN, denominator: rate.nanoPerBitcoin };
}
