import { ratioText } from '../money/decimal.ts';
import type { InputShape } from '../openai/input-shape.ts';
import type { PartTokens } from '../openai/prompt-part.ts';
import { maxMsat, minMsat, msat, subtractMsat, ZERO_MSAT } from '../money/msat.ts';
import type { Msat } from '../money/msat.ts';
import { amountsOf, msatRatio } from './model-price.ts';
import type { ModelPrice } from './model-price.ts';
import { BASE_BPS } from './price-rule.ts';
import type { PriceRule } from './price-rule.ts';
import type { Rate } from './rate.ts';

export const TOKENS_PER_MTOK = 1_000_000n;
const ONE_MSAT = msat(1n);

/** How the input was counted before the job ran: what is learned from when the backend has told how much it was. */
export interface CountedHow {
  /**
   * exact: as the backend counts. estimate: near it. bound: never fewer than the backend counts, because counting itself would have taken too long.
   * convention: what was agreed to count, however far off; in jobs of older versions it is called an estimate.
   */
  readonly accuracy: 'exact' | 'estimate' | 'bound' | 'convention';
  /** What the backend's chat template was to be applied to. */
  readonly shape: InputShape;
  /** Tokens of the text alone, where what the chat template makes of it is learned from finished jobs, and the count with it. */
  readonly partTokens?: PartTokens;
}

/** How a price came about; kept with the job, so that the charge follows the same list, rate and rules. */
export interface PriceBreakdown {
  /** Name of the estimator that counted the input. */
  readonly estimator: string;
  readonly inputTokens: number;
  /** Absent for jobs of older versions. */
  readonly counted?: CountedHow;
  /** Over all choices. */
  readonly maxOutputTokens: number;
  /** Absent: none. */
  readonly images?: number;
  readonly price: ModelPrice;
  /** Absent: the price is in msat. */
  readonly rate?: Rate;
  readonly rules: readonly PriceRule[];
  /** For the reader: what the tokens, images and rules come to before it is rounded up, cut after nine places. Absent in jobs of old. */
  readonly exactMsat?: string;
  /** Input as estimated and the most output that the job may produce; at least the model's own minimum. */
  readonly listMsat: Msat;
  readonly minPriceMsat: Msat;
  /** What a buyer without credit is asked: the larger of list price and minimum, never 0. */
  readonly priceMsat: Msat;
}

/** What a quote is made of. */
export interface QuoteParts {
  readonly estimator: string;
  readonly inputTokens: number;
  readonly counted?: CountedHow;
  readonly maxOutputTokens: number;
  readonly images?: number;
  readonly price: ModelPrice;
  readonly rate?: Rate;
  readonly rules?: readonly PriceRule[];
  readonly minPriceMsat: Msat;
}

/** Tokens that a job used; `cachedInputTokens` are part of `inputTokens`. */
export interface UsedTokens {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedInputTokens?: number;
}

/** What a quote and its charge are reckoned by. */
type Terms = Pick<PriceBreakdown, 'price' | 'rate' | 'rules' | 'images'>;

/**
 * Prices a request by the most that it can cost. Throws RangeError on counts that are no whole numbers ≥ 0, and without a rate of the price's
 * currency.
 */
export function quotePrice({ minPriceMsat, rules = [], ...parts }: QuoteParts): PriceBreakdown {
  const { estimator, inputTokens, counted, maxOutputTokens, images = 0, price, rate } = parts;
  const terms: Terms = { price, rules, ...(images > 0 && { images }), ...(rate && { rate }) };
  const exact = exactAmount({ inputTokens, outputTokens: maxOutputTokens }, terms);
  const listMsat = maxMsat(roundedUp(exact), minimumOf(terms));
  const priceMsat = maxMsat(maxMsat(minPriceMsat, listMsat), ONE_MSAT);
  const exactMsat = ratioText(exact.numerator, exact.denominator);
  const count = { estimator, inputTokens, ...(counted && { counted }) };
  return { ...count, maxOutputTokens, ...terms, exactMsat, listMsat, minPriceMsat, priceMsat };
}

/** What the quote asks of a buyer with this credit, and the part of the credit that is set aside for it: never below the minimum price. */
export function useCredit(
  { priceMsat, minPriceMsat }: Pick<PriceBreakdown, 'priceMsat' | 'minPriceMsat'>,
  creditMsat: Msat,
): { readonly priceMsat: Msat; readonly reservedMsat: Msat } {
  const reservedMsat = minMsat(maxMsat(creditMsat, ZERO_MSAT), subtractMsat(priceMsat, minPriceMsat));
  return { priceMsat: subtractMsat(priceMsat, reservedMsat), reservedMsat };
}

/**
 * What the job really used, by the list, the rate and the rules of its quote; at least the model's own minimum, never above the cover (what was
 * paid and what was reserved), and nothing for nothing. The least that a channel carries does not count here: what is left of the cover becomes
 * credit. That an empty answer is free unless its buyer broke it off is for the caller: only the job knows who ended it.
 */
export function chargeMsat(
  terms: Terms & Pick<PriceBreakdown, 'inputTokens'>,
  used: UsedTokens,
  coverMsat: Msat,
): Msat {
  if (used.inputTokens === 0 && used.outputTokens === 0) return ZERO_MSAT;
  // What backends count as input holds the tokens of images, which the price of an image includes.
  const inputTokens = terms.images === undefined ? used.inputTokens : Math.min(used.inputTokens, terms.inputTokens);
  return minMsat(maxMsat(roundedUp(exactAmount({ ...used, inputTokens }, terms)), minimumOf(terms)), coverMsat);
}

/** The least that a job costs by its model's price. */
export function minimumOf({ price, rate }: Pick<Terms, 'price' | 'rate'>): Msat {
  const { numerator, denominator } = msatRatio(price, rate);
  return roundedUp({ numerator: amountsOf(price).minimum * numerator, denominator });
}

interface Quotient {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

/** Msat, not rounded yet. */
function exactAmount(tokens: UsedTokens, { price, rate, rules, images = 0 }: Terms): Quotient {
  const per = amountsOf(price);
  const input = count(tokens.inputTokens);
  const cached = min(count(tokens.cachedInputTokens ?? 0), input);
  const parts =
    (input - cached) * per.input +
    cached * per.cachedInput +
    count(tokens.outputTokens) * per.output +
    (per.request + count(images) * (per.image ?? 0n)) * TOKENS_PER_MTOK;
  const worth = msatRatio(price, rate);
  return rules.reduce<Quotient>(
    ({ numerator, denominator }, { multiplierBps }) => ({
      numerator: numerator * count(multiplierBps),
      denominator: denominator * BASE_BPS,
    }),
    { numerator: parts * worth.numerator, denominator: TOKENS_PER_MTOK * worth.denominator },
  );
}

/** Once, at the end: rounding each part would make small requests dearer than the list says. */
const roundedUp = ({ numerator, denominator }: Quotient): Msat => msat((numerator + denominator - 1n) / denominator);

function count(value: number): bigint {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new RangeError('a count of tokens, images or basis points is not a whole number ≥ 0');
  return BigInt(value);
}

const min = (a: bigint, b: bigint): bigint => (a < b ? a : b);
