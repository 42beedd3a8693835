import { bytesOf, hexOf, type Hex32 } from './hex.ts';
import { ProtocolError } from './protocol-error.ts';

/** Both directions between a value and the bytes of a TLV. Either direction throws ProtocolError. */
export interface Coder<T> {
  decode(bytes: Uint8Array): T;
  /** `memory`: where a record is written if it fits, instead of new memory. */
  encode(value: T, memory?: Uint8Array): Uint8Array;
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();
const U64_MAX = 2n ** 64n - 1n;

/** Two bytes, big-endian (BOLT 1). */
export const u16: Coder<number> = {
  decode(value) {
    const [high, low] = value;
    if (value.length !== 2 || high === undefined || low === undefined) throw new ProtocolError('must be 2 bytes');
    return high * 256 + low;
  },
  encode(value) {
    requireInteger(value, 0xffff);
    return Uint8Array.of(value >> 8, value & 0xff);
  },
};

/** A number up to 2^32 − 1 without leading zero bytes; zero is the empty value (BOLT 1). */
export const tu32: Coder<number> = {
  decode(bytes) {
    return Number(readTruncated(bytes, 4));
  },
  encode(value) {
    requireInteger(value, 0xffffffff);
    return writeTruncated(BigInt(value));
  },
};

/** A number up to 2^64 − 1 without leading zero bytes; zero is the empty value (BOLT 1). */
export const tu64: Coder<bigint> = {
  decode(bytes) {
    return readTruncated(bytes, 8);
  },
  encode(value) {
    if (value < 0n || value > U64_MAX) throw new ProtocolError(`${value} is not a 64-bit number`);
    return writeTruncated(value);
  },
};

/** Exactly 32 bytes; hex above the codec. */
export const bytes32: Coder<Hex32> = {
  decode(bytes) {
    if (bytes.length !== 32) throw new ProtocolError('must be 32 bytes');
    return hexOf(bytes);
  },
  encode: bytesOf,
};

/** Opaque bytes. Decoding copies, so that a small value does not keep a whole network buffer alive. */
export const bytes: Coder<Uint8Array> = {
  decode: (value) => new Uint8Array(value),
  encode: (value) => value,
};

/** Opaque bytes as a view of the payload: for a chunk's data, which is consumed at once. */
export const bytesView: Coder<Uint8Array> = {
  decode: (value) => value,
  encode: (value) => value,
};

/** Valid UTF-8, perhaps empty: LCP v0.2 §4.3, v0.3 §3.6. A byte order mark is kept, as every byte is. */
export const utf8: Coder<string> = {
  decode(value) {
    try {
      return decoder.decode(value);
    } catch {
      throw new ProtocolError('must be valid UTF-8');
    }
  },
  encode(value) {
    if (!value.isWellFormed()) throw new ProtocolError('must be well-formed Unicode');
    return encoder.encode(value);
  },
};

/** Refuses, in both directions, a value for which `refusal` gives a reason. */
export function refined<T>(coder: Coder<T>, refusal: (value: T) => string | undefined): Coder<T> {
  const checked = (value: T): T => {
    const reason = refusal(value);
    if (reason !== undefined) throw new ProtocolError(reason);
    return value;
  };
  return {
    decode: (value) => checked(coder.decode(value)),
    encode: (value, memory) => coder.encode(checked(value), memory),
  };
}

export const utf8NonEmpty = refined(utf8, (value) => (value === '' ? 'must not be empty' : undefined));

export function positive<T extends number | bigint>(coder: Coder<T>): Coder<T> {
  return refined(coder, (value) => (value <= 0 ? 'must not be zero' : undefined));
}

/** A u16 of which only the named values are known. */
export function choice<K extends string>(numbers: Readonly<Record<K, number>>): Coder<K> {
  const names = new Map<number, K>();
  for (const name in numbers) names.set(numbers[name], name);
  return {
    decode(value) {
      const number = u16.decode(value);
      const name = names.get(number);
      if (name === undefined) throw new ProtocolError(`${number} is not a known value`);
      return name;
    },
    encode(name) {
      if (!Object.hasOwn(numbers, name)) throw new ProtocolError(`${name} is not a known value`);
      return u16.encode(numbers[name]);
    },
  };
}

function requireInteger(value: number, max: number): void {
  if (!Number.isInteger(value) || value < 0 || value > max) throw new ProtocolError(`${value} is not in 0…${max}`);
}

function readTruncated(value: Uint8Array, width: number): bigint {
  if (value.length > width) throw new ProtocolError(`must be at most ${width} bytes`);
  if (value[0] === 0) throw new ProtocolError('has a leading zero byte');
  let result = 0n;
  for (const byte of value) result = (result << 8n) | BigInt(byte);
  return result;
}

function writeTruncated(value: bigint): Uint8Array {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, value);
  const first = out.findIndex((byte) => byte !== 0);
  return first < 0 ? out.subarray(8) : out.subarray(first);
}
