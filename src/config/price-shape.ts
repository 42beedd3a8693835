import { z } from 'zod';
import { NANO_PER_ONE } from '../money/decimal.ts';
import { currency, decimal, nanoOf } from './amount.ts';

/** 1000 BTC; far above any price, far below what arithmetic can hold. */
const MAX_PRICE_MSAT = 100_000_000_000_000;

const amount = (description: string) => z.int().min(0).max(MAX_PRICE_MSAT).optional().describe(description);

/** The keys that tell amounts in msat by their names, and those of the same meaning that are counted in `currency`. */
export const MSAT_KEYS = {
  input_msat_per_mtok: 'input_per_mtok',
  cached_input_msat_per_mtok: 'cached_input_per_mtok',
  output_msat_per_mtok: 'output_per_mtok',
  request_msat: 'request',
  image_msat: 'image',
  minimum_msat: 'minimum',
} as const;
const PLAIN_KEYS = Object.values(MSAT_KEYS);

/** What a model costs, as written; whether it makes sense is for `priceFault`. */
export const priceShape = z
  .strictObject({
    input_msat_per_mtok: amount('msat for a million tokens of input.'),
    cached_input_msat_per_mtok: amount(
      'msat for a million tokens of input that the backend had cached. Default: as input.',
    ),
    output_msat_per_mtok: amount('msat for a million tokens of output.'),
    request_msat: amount('msat for the request itself, whatever its length. Default: 0.'),
    image_msat: amount(
      'msat for each image, its tokens included; sold of models that have the capability vision. Default: images are not sold.',
    ),
    minimum_msat: amount('The least that a job costs, in msat. Default: min_price_msat alone.'),
    currency: currency
      .optional()
      .describe('What the keys without a unit are counted in: msat, sat, or a currency that pricing.rate tells.'),
    input_per_mtok: decimal('As input_msat_per_mtok, in currency.').optional(),
    cached_input_per_mtok: decimal('As cached_input_msat_per_mtok, in currency.').optional(),
    output_per_mtok: decimal('As output_msat_per_mtok, in currency.').optional(),
    request: decimal('As request_msat, in currency.').optional(),
    image: decimal('As image_msat, in currency.').optional(),
    minimum: decimal('As minimum_msat, in currency.').optional(),
  })
  .describe('Prices for a million tokens, for a request, for an image: in msat (1 sat = 1000 msat) or in a currency.');

export type WrittenPrice = z.infer<typeof priceShape>;

export interface PriceFault {
  readonly message: string;
  readonly cure: string;
}

/** What is wrong with a price that stands in a list with this currency. Undefined: nothing. */
export function priceFault(price: WrittenPrice, listCurrency: string | undefined): PriceFault | undefined {
  const has = (keys: readonly (keyof WrittenPrice)[]) => keys.filter((key) => price[key] !== undefined);
  const plain = has(PLAIN_KEYS);
  const inMsat = has(Object.keys(MSAT_KEYS) as (keyof typeof MSAT_KEYS)[]);
  const unit = price.currency ?? listCurrency;
  if (plain.length > 0 && inMsat.length > 0)
    return {
      message: `${inMsat[0]} and ${plain[0]} stand together`,
      cure: 'write all of a price with the same kind of keys',
    };
  if (plain.length === 0 && price.currency !== undefined)
    return {
      message: 'a currency, and nothing that is counted in it',
      cure: 'write keys like input_per_mtok: 0.15, without msat in their names',
    };
  if (plain.length > 0 && unit === undefined)
    return { message: `${plain[0]} has no currency`, cure: 'add currency: sat, or msat, or one like USD' };
  return unsoldFault(price) ?? fineFault(price, unit);
}

function unsoldFault(price: WrittenPrice): PriceFault | undefined {
  const value = (key: keyof typeof MSAT_KEYS): bigint | undefined => {
    const plain = price[MSAT_KEYS[key]];
    return price[key] !== undefined ? BigInt(price[key]) : plain === undefined ? undefined : nanoOf(plain);
  };
  const [input, output] = [value('input_msat_per_mtok'), value('output_msat_per_mtok')];
  if ((input === undefined) !== (output === undefined)) {
    const missing = input === undefined ? 'input' : 'output';
    return {
      message: `says nothing of ${missing}`,
      cure: `add ${missing}_msat_per_mtok or ${missing}_per_mtok; 0 if it costs nothing`,
    };
  }
  if ([input, output, value('request_msat')].every((amount) => amount === undefined || amount === 0n))
    return { message: 'everything costs 0', cure: 'give a price; a model that is not for sale is left out' };
  return undefined;
}

/** Amounts of msat and sat are whole msat. */
function fineFault(price: WrittenPrice, unit: string | undefined): PriceFault | undefined {
  const perMsat = unit === 'msat' ? NANO_PER_ONE : unit === 'sat' ? NANO_PER_ONE / 1000n : 1n;
  const fine = PLAIN_KEYS.find((key) => price[key] !== undefined && nanoOf(price[key]) % perMsat !== 0n);
  return fine && { message: `${fine} is finer than 1 msat`, cure: 'round it to whole msat (0.001 sat)' };
}
