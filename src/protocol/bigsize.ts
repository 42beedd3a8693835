import { ProtocolError } from './protocol-error.ts';

/**
 * A BOLT 1 `bigsize`, 0 to 2^64 − 1. A bigint only above 2^53 − 1: comparing the two is exact in JavaScript, and
 * nothing longer than a message is ever a bigint.
 */
export type BigSize = number | bigint;

/** Reads the bigsize at `at`; refuses one that is cut off or not minimal (BOLT 1, appendix A). */
export function readBigSize(bytes: Uint8Array, at: number): { value: BigSize; next: number } {
  const first = bytes[at];
  if (first === undefined) throw new ProtocolError('bigsize is cut off');
  if (first < 0xfd) return { value: first, next: at + 1 };
  const width = first === 0xfd ? 2 : first === 0xfe ? 4 : 8;
  const next = at + 1 + width;
  if (next > bytes.length) throw new ProtocolError('bigsize is cut off');
  const high = width === 8 ? readUint(bytes, at + 1, 4) : 0;
  const low = readUint(bytes, next - Math.min(width, 4), Math.min(width, 4));
  const minimal = width === 2 ? low >= 0xfd : width === 4 ? low > 0xffff : high > 0;
  if (!minimal) throw new ProtocolError('bigsize is not minimal');
  if (high > 0x1fffff) return { value: (BigInt(high) << 32n) | BigInt(low), next };
  return { value: high * 2 ** 32 + low, next };
}

/** How many bytes `value` takes. */
export function bigSizeLength(value: BigSize): number {
  if (value < 0xfd) return 1;
  if (value <= 0xffff) return 3;
  return value <= 0xffffffff ? 5 : 9;
}

/** Writes `value` at `at`, minimally, and returns the position after it. */
export function writeBigSize(out: Uint8Array, at: number, value: BigSize): number {
  const length = bigSizeLength(value);
  if (length === 1) {
    out[at] = Number(value);
    return at + 1;
  }
  out[at] = length === 3 ? 0xfd : length === 5 ? 0xfe : 0xff;
  let rest = BigInt(value);
  for (let index = at + length - 1; index > at; index--) {
    out[index] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return at + length;
}

function readUint(bytes: Uint8Array, at: number, width: number): number {
  let value = 0;
  for (let index = at; index < at + width; index++) value = value * 256 + (bytes[index] ?? 0);
  return value;
}
