import { ProtocolError } from './protocol-error.ts';

/** 32 bytes as 64 lower-case hex digits: every id and hash above the codec. */
export type Hex32 = string;

const HEX32 = /^[0-9a-f]{64}$/;

export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

export function bytesOf(hex: Hex32): Uint8Array {
  if (!HEX32.test(hex)) throw new ProtocolError('must be 64 lower-case hex digits');
  return Buffer.from(hex, 'hex');
}
