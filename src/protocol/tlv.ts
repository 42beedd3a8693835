import { bigSizeLength, readBigSize, writeBigSize, type BigSize } from './bigsize.ts';
import { ProtocolError } from './protocol-error.ts';

/** Where one record lies in its stream: offsets, so that a stream of thousands of unknown records stays cheap. */
export interface TlvSpan {
  readonly type: BigSize;
  readonly start: number;
  readonly end: number;
}

/** One record to be written. */
export interface TlvRecord {
  readonly type: number;
  readonly value: Uint8Array;
}

/** A view, never a copy, and a plain Uint8Array even where `bytes` is a Buffer. */
export function viewOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start);
}

/** Finds the records of a TLV stream; refuses what is not canonical: LCP v0.2 §4, v0.3 §3.3, BOLT 1. */
export function readTlvStream(bytes: Uint8Array): TlvSpan[] {
  const spans: TlvSpan[] = [];
  let at = 0;
  let last: BigSize = -1;
  while (at < bytes.length) {
    const type = readBigSize(bytes, at);
    if (type.value <= last) throw new ProtocolError(`type ${type.value} after type ${last}: must be ascending`);
    const length = readBigSize(bytes, type.next);
    if (length.value > bytes.length - length.next) throw new ProtocolError(`type ${type.value} is cut off`);
    const end = length.next + Number(length.value);
    spans.push({ type: type.value, start: length.next, end });
    last = type.value;
    at = end;
  }
  return spans;
}

/** Writes records, which must be given in ascending order of type. Each value is copied once: into `memory` if all fit there, else into new memory. */
export function writeTlvStream(records: readonly TlvRecord[], memory?: Uint8Array): Uint8Array {
  let size = 0;
  for (const { type, value } of records) {
    size += bigSizeLength(type) + bigSizeLength(value.length) + value.length;
  }
  const out = memory !== undefined && memory.length >= size ? memory.subarray(0, size) : new Uint8Array(size);
  let at = 0;
  for (const { type, value } of records) {
    at = writeBigSize(out, at, type);
    at = writeBigSize(out, at, value.length);
    out.set(value, at);
    at += value.length;
  }
  return out;
}
