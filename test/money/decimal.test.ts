import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decimalText, nano, parseDecimal, ratioText } from '../../src/money/decimal.ts';

describe('a decimal', () => {
  test.each([
    ['0', 0n],
    ['0.15', 150_000_000n],
    ['97_123.45', 97_123_450_000_000n],
    [' 1.000000001 ', 1_000_000_001n],
    ['0.1', 100_000_000n],
    ['999999999999999.999999999', 999_999_999_999_999_999_999_999n],
  ])('%j is exact', (text, value) => expect(parseDecimal(text)).toBe(value));

  test.each(['', '-1', '+1', '.5', '1.', '1e3', '0x10', '1,5', '1.0000000001', 'NaN', '1 2', '1'.repeat(16)])(
    '%j is none',
    (text) => expect(parseDecimal(text)).toBeUndefined(),
  );

  test('is read as it was written', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 10n ** 23n), (value) => {
        expect(parseDecimal(decimalText(nano(value)))).toBe(value);
      }),
    );
  });
});

test('a quotient is shown to nine places, cut', () => {
  expect(ratioText(287n, 2n)).toBe('143.5');
  expect(ratioText(2n, 3n)).toBe('0.666666666');
  expect(ratioText(6n, 3n)).toBe('2');
});
