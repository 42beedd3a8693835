import { decimalText, ratioText } from '../money/decimal.ts';
import type { Nano } from '../money/decimal.ts';
import { amountsOf, currencyOf, msatRatio } from '../pricing/model-price.ts';
import type { ModelPrice } from '../pricing/model-price.ts';
import { minimumOf, TOKENS_PER_MTOK } from '../pricing/price.ts';
import type { PriceBreakdown } from '../pricing/price.ts';
import { msatText, timeText } from './print.ts';
import { tableLines } from './table.ts';

/** One line of how a price comes about; `msat` may be a factor. */
export interface PriceLine {
  readonly name: string;
  readonly how?: string;
  readonly msat?: string;
}

/** One of a price's amounts with what it is counted in: `20,000 msat`, `0.15 USD`. */
export function amountIn(price: ModelPrice, amount: bigint): string {
  const currency = currencyOf(price);
  return currency === undefined ? `${msatText(amount)} msat` : `${decimalText(amount as Nano)} ${currency}`;
}

/** How a list price came about. */
export function listPriceLines(breakdown: Omit<PriceBreakdown, 'priceMsat' | 'minPriceMsat'>): PriceLine[] {
  const { inputTokens, maxOutputTokens, estimator, images = 0, price, rate, rules, exactMsat, listMsat } = breakdown;
  const per = amountsOf(price);
  const worth = msatRatio(price, rate);
  const times = (count: number, perMtok: bigint): string =>
    shortened(ratioText(BigInt(count) * perMtok * worth.numerator, TOKENS_PER_MTOK * worth.denominator));
  const minimumMsat = minimumOf(breakdown);
  const isLeast = minimumMsat > 0n && listMsat === minimumMsat;
  const tokens = (count: number, amount: bigint) =>
    `${count.toLocaleString('en')} tokens × ${amountIn(price, amount)} per Mtok`;
  const lines: (PriceLine | false)[] = [
    {
      name: 'input',
      how: `${tokens(inputTokens, per.input)}, counted by ${estimator}`,
      msat: times(inputTokens, per.input),
    },
    maxOutputTokens > 0 && {
      name: 'output',
      how: `at most ${tokens(maxOutputTokens, per.output)}`,
      msat: times(maxOutputTokens, per.output),
    },
    per.request > 0n && { name: 'request', how: amountIn(price, per.request), msat: times(1_000_000, per.request) },
    images > 0 && {
      name: 'images',
      how: `${images} × ${amountIn(price, per.image ?? 0n)}`,
      msat: times(images * 1_000_000, per.image ?? 0n),
    },
    rate !== undefined && {
      name: 'rate',
      how: `${decimalText(rate.nanoPerBitcoin)} ${rate.currency} for a bitcoin: ${rate.source}, ${timeText(rate.atMs)}`,
    },
    ...rules.map(({ name, multiplierBps }) => ({
      name: 'rule',
      how: name,
      msat: `× ${ratioText(BigInt(multiplierBps), 10_000n)}`,
    })),
    per.minimum > 0n && { name: 'at least', how: amountIn(price, per.minimum), msat: msatText(minimumMsat) },
    {
      name: 'list price',
      msat: msatText(listMsat),
      ...(exactMsat !== undefined && {
        how: isLeast ? `its least, above the ${exactMsat} reckoned` : `rounded up once, from ${exactMsat}`,
      }),
    },
  ];
  return lines.filter((line) => line !== false);
}

/** As aligned lines, amounts on the right. */
export function priceTable(lines: readonly PriceLine[]): string[] {
  const [, ...rows] = tableLines(
    [
      { title: '', text: ({ name }) => `  ${name.padEnd(12)}` },
      { title: '', text: ({ how = '' }) => how },
      { title: '', text: ({ msat = '' }) => msat, align: 'right' },
    ],
    lines,
  );
  return rows;
}

/** To the thousandth of a msat. */
const shortened = (text: string): string => text.replace(/(\.\d{3})\d+$/, '$1');
