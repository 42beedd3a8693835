import { describe, expect, test } from 'vitest';
import { amountText, parseAmount } from '../../src/money/amount.ts';
import { msat } from '../../src/money/msat.ts';

describe('an amount that an operator types', () => {
  test.each([
    ['5000msat', 5000n],
    ['5sat', 5000n],
    ['0005sat', 5000n],
    ['2100000000000000sat', 2_100_000_000_000_000_000n],
  ])('%s is %s msat', (text, amount) => expect(parseAmount(text)).toBe(amount));

  test.each(['5', '', 'sat', '-5sat', '+5sat', '5 sat', '5SAT', '0sat', '0.5sat', '5btc', '1e3sat', '٥sat', '5sat\n'])(
    '%j is none',
    (text) => expect(parseAmount(text)).toBeUndefined(),
  );

  test('is none above all bitcoin there can be', () => {
    expect(parseAmount('2100000000000001sat')).toBeUndefined();
    expect(parseAmount('99999999999999999999sat')).toBeUndefined();
  });
});

test('an amount is shown in both units', () =>
  expect(amountText(msat(1_234_567n))).toBe('1,234,567 msat (1,234.567 sat)'));
