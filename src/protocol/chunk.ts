import { createHash } from 'node:crypto';
import { bytesOf, type Hex32 } from './hex.ts';

/**
 * What a stream_chunk takes beside its data, at most, while the expiry fits 32 bits (until 2106): the data of a chunk
 * must be no longer than the peer's max_payload_bytes less this.
 */
export const MAX_CHUNK_OVERHEAD_BYTES = 122;

/** msg_id = SHA256(stream_id ‖ u32be(seq)): LCP v0.2 §5.5.4, v0.3 §6.4. */
export function chunkMsgId(streamId: Hex32, seq: number): Hex32 {
  const preimage = new Uint8Array(36);
  preimage.set(bytesOf(streamId));
  new DataView(preimage.buffer).setUint32(32, seq);
  return createHash('sha256').update(preimage).digest('hex');
}
