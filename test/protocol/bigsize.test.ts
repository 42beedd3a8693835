import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bigSizeLength, readBigSize, writeBigSize, type BigSize } from '../../src/protocol/bigsize.ts';
import { ProtocolError } from '../../src/protocol/protocol-error.ts';
import { fromHex, toHex } from './vectors.ts';

function write(value: BigSize): Uint8Array {
  const out = new Uint8Array(bigSizeLength(value));
  expect(writeBigSize(out, 0, value)).toBe(out.length);
  return out;
}

test.each<[BigSize, string]>([
  [0, '00'],
  [252, 'fc'],
  [253, 'fd00fd'],
  [65_535, 'fdffff'],
  [65_536, 'fe00010000'],
  [4_294_967_295, 'feffffffff'],
  [4_294_967_296, 'ff0000000100000000'],
  [Number.MAX_SAFE_INTEGER, 'ff001fffffffffffff'],
  [9_007_199_254_740_992n, 'ff0020000000000000'],
  [18_446_744_073_709_551_615n, 'ffffffffffffffffff'],
])('%s is written as %s and read back, as in the examples of BOLT 1', (value, hex) => {
  expect(toHex(write(value))).toBe(hex);
  expect(readBigSize(fromHex(`00${hex}00`), 1)).toEqual({ value, next: 1 + hex.length / 2 });
});

test.each(['fd00fc', 'fe0000ffff', 'ff00000000ffffffff'])('%s is refused: it is not minimal', (hex) => {
  expect(() => readBigSize(fromHex(hex), 0)).toThrow('not minimal');
});

test.each(['', 'fd', 'fd00', 'feffff', 'ff', 'ffffffffff'])('"%s" is refused: it is cut off', (hex) => {
  expect(() => readBigSize(fromHex(hex), 0)).toThrow('cut off');
});

test('every 64-bit number survives writing and reading', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.nat({ max: 63 }), (number, shift) => {
      const value = number >> BigInt(shift);
      const bytes = write(value);
      const read = readBigSize(bytes, 0);
      expect(BigInt(read.value)).toBe(value);
      expect(read.next).toBe(bytes.length);
    }),
  );
});

test('whatever can be read is written back as the same bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 9 }), (bytes) => {
      let read: ReturnType<typeof readBigSize>;
      try {
        read = readBigSize(bytes, 0);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
        return;
      }
      expect(write(read.value)).toEqual(bytes.slice(0, read.next));
    }),
  );
});
