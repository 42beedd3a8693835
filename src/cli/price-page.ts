import { decimalText, ratioText } from '../money/decimal.ts';
import type { Nano } from '../money/decimal.ts';
import { amountsOf, currencyOf } from '../pricing/model-price.ts';
import type { ModelPrice } from '../pricing/model-price.ts';
import { minimumOf } from '../pricing/price.ts';
import type { PriceBreakdown } from '../pricing/price.ts';
import { msatText, timeText } from './print.ts';

export type Pair = readonly [name: string, value: string];

/** One of a price's amounts with what it is counted in: `20,000 msat`, `0.15 USD`. */
export function amountIn(price: ModelPrice, amount: bigint): string {
  const currency = currencyOf(price);
  return currency === undefined ? `${msatText(amount)} msat` : `${decimalText(amount as Nano)} ${currency}`;
}

/** How a list price came about, line by line. */
export function breakdownPairs(breakdown: Omit<PriceBreakdown, 'priceMsat' | 'minPriceMsat'>): Pair[] {
  const { inputTokens, maxOutputTokens, estimator, images = 0, price, rate, rules, exactMsat, listMsat } = breakdown;
  const per = amountsOf(price);
  const tokens = (count: number, amount: bigint) =>
    `${count.toLocaleString('en')} tokens × ${amountIn(price, amount)} per Mtok`;
  const pairs: (Pair | false)[] = [
    ['input', `${tokens(inputTokens, per.input)}, counted by ${estimator}`],
    ['output', `at most ${tokens(maxOutputTokens, per.output)}`],
    per.request > 0n && ['request', amountIn(price, per.request)],
    images > 0 && ['images', `${images} × ${amountIn(price, per.image ?? 0n)}`],
    rate !== undefined && [
      'rate',
      `${decimalText(rate.nanoPerBitcoin)} ${rate.currency} for a bitcoin (${rate.source}, ${timeText(rate.atMs)})`,
    ],
    ...rules.map(({ name, multiplierBps }): Pair => ['rule', `${name} × ${ratioText(BigInt(multiplierBps), 10_000n)}`]),
    exactMsat !== undefined && ['exact', exactMsat],
    per.minimum > 0n && [
      'at least',
      currencyOf(price) === undefined
        ? msatText(per.minimum)
        : `${amountIn(price, per.minimum)}, ${msatText(minimumOf(breakdown))} msat`,
    ],
    ['list price', `${msatText(listMsat)}${exactMsat === undefined ? '' : ', rounded up once'}`],
  ];
  return pairs.filter((pair) => pair !== false);
}
