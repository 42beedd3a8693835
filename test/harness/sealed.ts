import { chunkMsgId, encodeMessage } from '../../src/protocol/codec.ts';
import type { Message, Version } from '../../src/protocol/messages.ts';
import { randomBytes } from 'node:crypto';

/** A message as it goes onto the wire; what is not given is filled in as it should be. */
export function sealed(
  version: Version,
  nowS: number,
  message: { readonly kind: string; readonly [field: string]: unknown },
): { type: number; payload: Uint8Array } {
  const msgId =
    message.kind === 'stream-chunk'
      ? chunkMsgId(String(message['streamId']), Number(message['seq']))
      : randomBytes(32).toString('hex');
  const envelope = message.kind === 'manifest' ? {} : { msgId, expiryS: BigInt(nowS + 300) };
  return encodeMessage({ version, protocolVersion: version, ...envelope, ...message } as unknown as Message);
}
