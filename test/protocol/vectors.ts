import { readFileSync } from 'node:fs';
import type { Message } from '../../src/protocol/messages.ts';

/** A payload, its message type and the message it stands for. */
export interface MessageVector {
  readonly name: string;
  readonly type: number;
  readonly payload: string;
  readonly message: Message;
  /** The payload has something that a reader ignores, so that writing the message gives another payload. */
  readonly decodeOnly?: true;
}

/** A payload that must not be decoded. */
export interface RefusedVector {
  readonly type: number;
  readonly payload: string;
  readonly why: string;
  /** A part of the reason given. */
  readonly reason: string;
}

/** Reads test/vectors: `"1n"` stands for a bigint, `{ "hex": "00" }` for bytes. */
export function readVectors<T>(file: string): T[] {
  const text = readFileSync(new URL(`../vectors/${file}`, import.meta.url), 'utf8');
  return JSON.parse(text, (_key, value: unknown) => {
    if (typeof value === 'string' && /^\d+n$/.test(value)) return BigInt(value.slice(0, -1));
    if (typeof value === 'object' && value !== null && 'hex' in value) return fromHex(String(value.hex));
    return value;
  }) as T[];
}

export function fromHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'));
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
