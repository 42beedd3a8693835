import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { msat, type Msat } from '../../src/money/msat.ts';
import { loadRule } from '../../src/pricing/load-rule.ts';
import { chargeMsat, quotePrice } from '../../src/pricing/price.ts';

const gpt52 = {
  inputMsatPerMtok: msat(1_750_000),
  cachedInputMsatPerMtok: msat(175_000),
  outputMsatPerMtok: msat(14_000_000),
  requestMsat: msat(0),
};
const quote = { estimator: 'bytes', inputTokens: 2, maxOutputTokens: 10, price: gpt52, minPriceMsat: msat(0) };

const amount: fc.Arbitrary<Msat> = fc.bigInt(0n, 100_000_000_000_000n).map(msat);
const tokens = fc.nat(10_000_000);
const price = fc.record({
  inputMsatPerMtok: amount,
  cachedInputMsatPerMtok: amount,
  outputMsatPerMtok: amount,
  requestMsat: amount,
});
const rules = fc.array(fc.record({ name: fc.constant('rule'), multiplierBps: fc.nat(100_000) }), { maxLength: 3 });
const quotes = fc.record({
  estimator: fc.constant('bytes'),
  inputTokens: tokens,
  maxOutputTokens: tokens,
  price,
  rules,
  minPriceMsat: amount,
});

describe('a quoted price', () => {
  test('agrees with go-lcpd', () => {
    expect(quotePrice(quote)).toMatchObject({ listMsat: 144n, priceMsat: 144n });
    expect(
      quotePrice({ ...quote, rules: [loadRule({ threshold: 1, perJobBps: 500, maxMultiplierBps: 12_000 }, 5)] })
        .listMsat,
    ).toBe(173n);
  });

  test('is rounded up once, at the end', () => {
    const cheap = { inputMsatPerMtok: msat(1), outputMsatPerMtok: msat(1), requestMsat: msat(0) };
    expect(quotePrice({ ...quote, price: cheap, inputTokens: 500_000, maxOutputTokens: 500_000 }).listMsat).toBe(1n);
    expect(quotePrice({ ...quote, price: cheap, inputTokens: 500_000, maxOutputTokens: 500_001 }).listMsat).toBe(2n);
    // 143.5 × 1.5 = 215.25: rounding the list price first would make it 216 as well, 143.5 × 1.1 = 157.85 would become 159.
    expect(quotePrice({ ...quote, rules: [{ name: 'x', multiplierBps: 11_000 }] }).listMsat).toBe(158n);
  });

  test('is never zero and never below the minimum', () => {
    const free = { inputMsatPerMtok: msat(0), outputMsatPerMtok: msat(0), requestMsat: msat(0) };
    expect(quotePrice({ ...quote, price: free }).priceMsat).toBe(1n);
    expect(quotePrice({ ...quote, minPriceMsat: msat(1000) })).toMatchObject({ listMsat: 144n, priceMsat: 1000n });
    fc.assert(
      fc.property(quotes, (parts) => {
        const { priceMsat, listMsat } = quotePrice(parts);
        expect(priceMsat).toBeGreaterThan(0n);
        expect(priceMsat).toBeGreaterThanOrEqual(parts.minPriceMsat);
        expect(priceMsat).toBeGreaterThanOrEqual(listMsat);
      }),
    );
  });

  test('never falls when there are more tokens', () => {
    fc.assert(
      fc.property(quotes, tokens, tokens, (parts, moreInput, moreOutput) => {
        const more = {
          ...parts,
          inputTokens: parts.inputTokens + moreInput,
          maxOutputTokens: parts.maxOutputTokens + moreOutput,
        };
        expect(quotePrice(more).listMsat).toBeGreaterThanOrEqual(quotePrice(parts).listMsat);
      }),
    );
  });

  test('rises with a rule above 10,000 basis points, falls with one below, and is the list price at 10,000', () => {
    fc.assert(
      fc.property(quotes, fc.nat(100_000), (parts, multiplierBps) => {
        const ruled = quotePrice({ ...parts, rules: [...parts.rules, { name: 'one more', multiplierBps }] }).listMsat;
        const { listMsat } = quotePrice(parts);
        if (multiplierBps >= 10_000) expect(ruled).toBeGreaterThanOrEqual(listMsat);
        if (multiplierBps <= 10_000) expect(ruled).toBeLessThanOrEqual(listMsat);
        // As much as the rule says: the list price is rounded up already, by less than 1 msat.
        expect(ruled * 10_000n).toBeGreaterThanOrEqual((listMsat - 1n) * BigInt(multiplierBps));
        expect(ruled * 10_000n).toBeLessThan(listMsat * BigInt(multiplierBps) + 10_000n);
      }),
    );
  });

  test.each([-1, 1.5, Number.NaN, 2 ** 53])('is not made of %s tokens', (inputTokens) => {
    expect(() => quotePrice({ ...quote, inputTokens })).toThrow(RangeError);
  });
});

describe('a charge', () => {
  const breakdown = quotePrice(quote);

  test('is what was used, cached input at its own price', () => {
    const cover = msat(1_000_000_000);
    expect(chargeMsat(breakdown, { inputTokens: 1_000_000, outputTokens: 1 }, cover)).toBe(1_750_014n);
    expect(chargeMsat(breakdown, { inputTokens: 1_000_000, outputTokens: 1, cachedInputTokens: 400_000 }, cover)).toBe(
      1_120_014n,
    );
    expect(chargeMsat(breakdown, { inputTokens: 10, outputTokens: 1, cachedInputTokens: 99 }, cover)).toBe(16n);
    expect(chargeMsat(breakdown, { inputTokens: 0, outputTokens: 0 }, cover)).toBe(0n);
  });

  test('is never above the cover, nor above the list price of a job that kept to its quote', () => {
    const used = fc.record({ inputTokens: tokens, outputTokens: tokens });
    fc.assert(
      fc.property(quotes, used, amount, (parts, usage, cover) => {
        const quoted = quotePrice(parts);
        const charge = chargeMsat(quoted, usage, cover);
        expect(charge).toBeGreaterThanOrEqual(0n);
        expect(charge).toBeLessThanOrEqual(cover);
        if (usage.inputTokens <= parts.inputTokens && usage.outputTokens <= parts.maxOutputTokens)
          expect(charge).toBeLessThanOrEqual(quoted.listMsat);
      }),
    );
  });
});

describe('the load rule', () => {
  const surge = { threshold: 1, perJobBps: 500, maxMultiplierBps: 12_000 };
  test.each([
    [0, 10_000],
    [1, 10_000],
    [2, 10_500],
    [4, 11_500],
    [5, 12_000],
    [500, 12_000],
  ])('with %i jobs under way is %i basis points', (jobs, multiplierBps) => {
    expect(loadRule(surge, jobs)).toEqual({ name: 'in_flight_surge', multiplierBps });
  });

  test('never makes a job cheaper', () => {
    expect(loadRule({ ...surge, maxMultiplierBps: 5000 }, 1000).multiplierBps).toBe(10_000);
  });
});
