import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nano } from '../../src/money/decimal.ts';
import { msat } from '../../src/money/msat.ts';
import type { FiatPrice, TokenPrice } from '../../src/pricing/model-price.ts';
import { chargeMsat, minimumOf, quotePrice, useCredit } from '../../src/pricing/price.ts';
import type { QuoteParts } from '../../src/pricing/price.ts';

const MSAT_PER_BITCOIN = 100_000_000_000n;
const amount = fc.oneof(fc.bigInt(0n, 1_000n), fc.bigInt(0n, 100_000_000_000_000n));
const tokens = fc.oneof(fc.nat(100), fc.nat(10_000_000));
const images = fc.nat(20);

const tokenPrice: fc.Arbitrary<TokenPrice> = fc
  .tuple(amount, amount, amount, amount, amount, amount)
  .map(([input, cached, output, request, image, minimum]) => ({
    inputMsatPerMtok: msat(input),
    cachedInputMsatPerMtok: msat(cached),
    outputMsatPerMtok: msat(output),
    requestMsat: msat(request),
    imageMsat: msat(image),
    minimumMsat: msat(minimum),
  }));
const fiatPrice: fc.Arbitrary<FiatPrice> = fc
  .tuple(amount, amount, amount, amount, amount, amount)
  .map(([input, cached, output, request, image, minimum]) => ({
    currency: 'USD',
    inputNanoPerMtok: nano(input),
    cachedInputNanoPerMtok: nano(cached),
    outputNanoPerMtok: nano(output),
    requestNano: nano(request),
    imageNano: nano(image),
    minimumNano: nano(minimum),
  }));
const rate = fc
  .bigInt(1n, 10n ** 21n)
  .map((nanoPerBitcoin) => ({ currency: 'USD', nanoPerBitcoin: nano(nanoPerBitcoin), source: 'test', atMs: 0 }));
const rules = fc.array(fc.record({ name: fc.constant('rule'), multiplierBps: fc.integer({ min: 1, max: 100_000 }) }), {
  maxLength: 3,
});
const rest = {
  estimator: fc.constant('bytes'),
  inputTokens: tokens,
  maxOutputTokens: tokens,
  images,
  rules,
  minPriceMsat: fc.bigInt(0n, 1_000_000n).map(msat),
};
const quotes: fc.Arbitrary<QuoteParts> = fc.oneof(
  fc.record({ ...rest, price: tokenPrice }),
  fc.record({ ...rest, price: fiatPrice, rate }),
);

/** What a quote's parts come to, reckoned another way: each part over one common denominator, in msat. */
function exact({
  price,
  rate: told,
  inputTokens,
  maxOutputTokens,
  images: count = 0,
  rules: factors = [],
}: QuoteParts) {
  const [perMtok, perOne] =
    'currency' in price
      ? [
          [price.inputNanoPerMtok, price.outputNanoPerMtok],
          [price.requestNano, price.imageNano ?? 0n],
        ]
      : [
          [price.inputMsatPerMtok, price.outputMsatPerMtok],
          [price.requestMsat, price.imageMsat ?? 0n],
        ];
  const mtok = BigInt(inputTokens) * (perMtok[0] ?? 0n) + BigInt(maxOutputTokens) * (perMtok[1] ?? 0n);
  const one = (perOne[0] ?? 0n) + BigInt(count) * (perOne[1] ?? 0n);
  const worth = told === undefined ? 1n : MSAT_PER_BITCOIN;
  const factor = factors.reduce((product, { multiplierBps }) => product * BigInt(multiplierBps), 1n);
  return {
    numerator: (mtok + one * 1_000_000n) * worth * factor,
    denominator: 1_000_000n * (told?.nanoPerBitcoin ?? 1n) * 10_000n ** BigInt(factors.length),
  };
}

describe('a price, in msat or in a currency,', () => {
  test('is rounded up exactly once: less than 1 msat above what its parts come to', () => {
    fc.assert(
      fc.property(quotes, (parts) => {
        const { numerator, denominator } = exact(parts);
        const { listMsat } = quotePrice({ ...parts, price: { ...parts.price, ...noMinimum(parts) } });
        const above = listMsat * denominator - numerator;
        expect(above >= 0n && above < denominator).toBe(true);
      }),
    );
  });

  test('never falls when there are more tokens or images', () => {
    fc.assert(
      fc.property(quotes, tokens, tokens, images, (parts, input, output, count) => {
        const more = quotePrice({
          ...parts,
          inputTokens: parts.inputTokens + input,
          maxOutputTokens: parts.maxOutputTokens + output,
          images: (parts.images ?? 0) + count,
        });
        const less = quotePrice(parts);
        expect(more.listMsat).toBeGreaterThanOrEqual(less.listMsat);
        expect(more.priceMsat).toBeGreaterThanOrEqual(less.priceMsat);
      }),
    );
  });

  test('is never zero, and never below either minimum', () => {
    fc.assert(
      fc.property(quotes, (parts) => {
        const quoted = quotePrice(parts);
        expect(quoted.priceMsat).toBeGreaterThan(0n);
        expect(quoted.priceMsat).toBeGreaterThanOrEqual(parts.minPriceMsat);
        expect(quoted.listMsat).toBeGreaterThanOrEqual(minimumOf(quoted));
      }),
    );
  });

  test('is lowered by credit to the least that a channel carries at most, and what both cover is the price', () => {
    fc.assert(
      fc.property(quotes, amount, (parts, credit) => {
        const quoted = quotePrice(parts);
        const { priceMsat, reservedMsat } = useCredit(quoted, msat(credit));
        expect(priceMsat + reservedMsat).toBe(quoted.priceMsat);
        expect(priceMsat).toBeGreaterThanOrEqual(quoted.minPriceMsat);
        expect(reservedMsat).toBeLessThanOrEqual(credit);
      }),
    );
  });
});

describe('a charge', () => {
  test('of a job that kept to its quote is never above its list price, and never below the model’s minimum', () => {
    fc.assert(
      fc.property(quotes, fc.double({ min: 0, max: 1, noNaN: true }), (parts, part) => {
        const quoted = quotePrice(parts);
        const used = {
          inputTokens: Math.floor(parts.inputTokens * part),
          outputTokens: Math.floor(parts.maxOutputTokens * part),
        };
        fc.pre(used.inputTokens + used.outputTokens > 0);
        const charge = chargeMsat(quoted, used, quoted.priceMsat);
        expect(charge).toBeLessThanOrEqual(quoted.listMsat);
        expect(charge).toBeGreaterThanOrEqual(minimumOf(quoted));
      }),
    );
  });

  test('falls with each token that the backend had cached, when those are cheaper', () => {
    fc.assert(
      fc.property(quotes, tokens, tokens, (parts, cached, more) => {
        const quoted = quotePrice({ ...parts, price: { ...parts.price, ...freeWhenCached(parts) } });
        const charge = (cachedInputTokens: number) =>
          chargeMsat(quoted, { inputTokens: parts.inputTokens, outputTokens: 1, cachedInputTokens }, quoted.priceMsat);
        expect(charge(cached + more)).toBeLessThanOrEqual(charge(cached));
      }),
    );
  });

  test('counts the tokens of an image as part of its price', () => {
    const price = {
      inputMsatPerMtok: msat(1_000_000),
      outputMsatPerMtok: msat(1_000_000),
      requestMsat: msat(0),
      imageMsat: msat(50),
    };
    const parts = { estimator: 'bytes', inputTokens: 10, maxOutputTokens: 5, price, minPriceMsat: msat(0) };
    const used = { inputTokens: 1_010, outputTokens: 1 };
    expect(chargeMsat(quotePrice({ ...parts, images: 2 }), used, msat(10_000))).toBe(111n);
    expect(chargeMsat(quotePrice(parts), used, msat(10_000))).toBe(1_011n);
  });
});

test('a price in a currency is none without its rate', () => {
  const price: FiatPrice = {
    currency: 'EUR',
    inputNanoPerMtok: nano(1n),
    outputNanoPerMtok: nano(1n),
    requestNano: nano(0n),
  };
  const parts = { estimator: 'bytes', inputTokens: 1, maxOutputTokens: 1, price, minPriceMsat: msat(0) };
  expect(() => quotePrice(parts)).toThrow(RangeError);
  const ofOther = { currency: 'USD', nanoPerBitcoin: nano(1n), source: 'test', atMs: 0 };
  expect(() => quotePrice({ ...parts, rate: ofOther })).toThrow(RangeError);
});

test('gpt-5.2 in dollars costs what it costs in msat at 100,000 dollars for a bitcoin', () => {
  const price: FiatPrice = {
    currency: 'USD',
    inputNanoPerMtok: nano(1_750_000_000n),
    outputNanoPerMtok: nano(14_000_000_000n),
    requestNano: nano(0n),
  };
  const told = { currency: 'USD', nanoPerBitcoin: nano(100_000_000_000_000n), source: 'test', atMs: 0 };
  const quoted = quotePrice({
    estimator: 'bytes',
    inputTokens: 2,
    maxOutputTokens: 10,
    price,
    rate: told,
    minPriceMsat: msat(0),
  });
  expect(quoted).toMatchObject({ listMsat: 144n, exactMsat: '143.5', rate: told });
});

const noMinimum = ({ price }: QuoteParts) =>
  'currency' in price ? { minimumNano: nano(0n) } : { minimumMsat: msat(0) };
const freeWhenCached = ({ price }: QuoteParts) =>
  'currency' in price ? { cachedInputNanoPerMtok: nano(0n) } : { cachedInputMsatPerMtok: msat(0) };
