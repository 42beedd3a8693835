import type { Coder } from './coder.ts';
import { kindOf, messageType } from './message-type.ts';
import type { Kind, Message, NotOurs, Undecodable, Version } from './messages.ts';
import type { MessageTables } from './message-tables.ts';
import { ProtocolError } from './protocol-error.ts';
import { v2 } from './v2.ts';
import { v3 } from './v3.ts';

export { chunkMsgId, MAX_CHUNK_OVERHEAD_BYTES } from './chunk.ts';
export { isOurs, messageType } from './message-type.ts';
export { ProtocolError } from './protocol-error.ts';

/** What BOLT 8 leaves for a payload: 65,535 bytes less the two of the message type. */
export const MAX_PAYLOAD_BYTES = 65_533;

const tables: Readonly<Record<Version, MessageTables>> = { 2: v2, 3: v3 };

/** Reads a custom message of BOLT 1. Never throws, whatever a peer sent. */
export function decodeMessage(type: number, payload: Uint8Array): Message | Undecodable | NotOurs {
  const found = kindOf(type);
  if (found === undefined) return { kind: 'not-ours' };
  const { kind, version } = found;
  if (payload.length > MAX_PAYLOAD_BYTES) return undecodable(version, kind, 'longer than a Lightning message');
  try {
    const body = tables[version][kind].decode(payload);
    return { kind, version, ...body } as Message; // the table is that of this kind
  } catch (error) {
    if (error instanceof ProtocolError) return undecodable(version, kind, error.message);
    throw error;
  }
}

/**
 * Writes a message, into `memory` if it is given and large enough. Throws ProtocolError on one which `decodeMessage` would refuse, or whose version has
 * no such field.
 */
export function encodeMessage(message: Message, memory?: Uint8Array): { type: number; payload: Uint8Array } {
  const { kind, version, ...body } = message;
  const coder = tables[version][kind] as Coder<typeof body>; // the table is that of this kind
  const payload = coder.encode(body, memory);
  if (payload.length > MAX_PAYLOAD_BYTES) {
    throw new ProtocolError(`${kind} of ${payload.length} bytes: a Lightning message holds ${MAX_PAYLOAD_BYTES}`);
  }
  return { type: messageType(version, kind), payload };
}

function undecodable(version: Version, kind: Kind, reason: string): Undecodable {
  return { kind: 'undecodable', reason: `v0.${version} ${kind}: ${reason}` };
}
