import type { InputShape } from '../openai/input-shape.ts';
import { maxMsat, minMsat, msat, subtractMsat, ZERO_MSAT } from '../money/msat.ts';
import type { Msat } from '../money/msat.ts';
import type { TokenPrice } from './price-list.ts';
import { BASE_BPS } from './price-rule.ts';
import type { PriceRule } from './price-rule.ts';

const TOKENS_PER_MTOK = 1_000_000n;
const ONE_MSAT = msat(1n);

/** How the input was counted before the job ran: what is learned from when the backend has told how much it was. */
export interface CountedHow {
  /** bound: never fewer than the backend counts. */
  readonly accuracy: 'exact' | 'estimate' | 'bound';
  /** What the backend's chat template was to be applied to. */
  readonly shape: InputShape;
  /** Tokens of the text alone, where the template's share is a learned one. */
  readonly textTokens?: number;
}

/** How a price came about; kept with the job, so that the charge follows the same list and rules. */
export interface PriceBreakdown {
  /** Name of the estimator that counted the input. */
  readonly estimator: string;
  readonly inputTokens: number;
  /** Absent for jobs of older versions. */
  readonly counted?: CountedHow;
  /** Over all choices. */
  readonly maxOutputTokens: number;
  readonly price: TokenPrice;
  readonly rules: readonly PriceRule[];
  /** Input as estimated and the most output that the job may produce. */
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
  readonly price: TokenPrice;
  readonly rules?: readonly PriceRule[];
  readonly minPriceMsat: Msat;
}

/** Tokens that a job used; `cachedInputTokens` are part of `inputTokens`. */
export interface UsedTokens {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedInputTokens?: number;
}

/** Prices a request by the most that it can cost. Throws RangeError on counts that are no whole numbers ≥ 0. */
export function quotePrice({
  estimator,
  inputTokens,
  counted,
  maxOutputTokens,
  price,
  rules = [],
  minPriceMsat,
}: QuoteParts): PriceBreakdown {
  const listMsat = amountMsat({ inputTokens, outputTokens: maxOutputTokens }, price, rules);
  const priceMsat = maxMsat(maxMsat(minPriceMsat, listMsat), ONE_MSAT);
  const count = { estimator, inputTokens, ...(counted && { counted }) };
  return { ...count, maxOutputTokens, price, rules, listMsat, minPriceMsat, priceMsat };
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
 * What the job really used, by the list and the rules of its quote; never above the cover (what was paid and what was reserved), and nothing
 * for nothing. The minimum price does not count here: what is left of the cover becomes credit. That an empty answer is free unless its
 * buyer broke it off is for the caller: only the job knows who ended it.
 */
export function chargeMsat(
  { price, rules }: Pick<PriceBreakdown, 'price' | 'rules'>,
  used: UsedTokens,
  coverMsat: Msat,
): Msat {
  if (used.inputTokens === 0 && used.outputTokens === 0) return ZERO_MSAT;
  return minMsat(amountMsat(used, price, rules), coverMsat);
}

/** Rounded up once, at the end: rounding each part would make small requests dearer than the list says. */
function amountMsat(tokens: UsedTokens, price: TokenPrice, rules: readonly PriceRule[]): Msat {
  const input = count(tokens.inputTokens);
  const cached = min(count(tokens.cachedInputTokens ?? 0), input);
  const parts =
    (input - cached) * price.inputMsatPerMtok +
    cached * (price.cachedInputMsatPerMtok ?? price.inputMsatPerMtok) +
    count(tokens.outputTokens) * price.outputMsatPerMtok +
    price.requestMsat * TOKENS_PER_MTOK;
  let numerator: bigint = parts;
  let denominator = TOKENS_PER_MTOK;
  for (const { multiplierBps } of rules) {
    numerator *= count(multiplierBps);
    denominator *= BASE_BPS;
  }
  return msat((numerator + denominator - 1n) / denominator);
}

function count(value: number): bigint {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new RangeError('a count of tokens or basis points is not a whole number ≥ 0');
  return BigInt(value);
}

const min = (a: bigint, b: bigint): bigint => (a < b ? a : b);
