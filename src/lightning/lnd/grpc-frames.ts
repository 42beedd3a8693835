import type { ClientHttp2Stream } from 'node:http2';

/** Compressed or not, and the length of the message. */
const PREFIX_BYTES = 5;
const COPIED_BYTES = 4096;
/** Far more than lnd has to say at once: messages between peers hold at most 64 KiB. */
const MAX_MESSAGE_BYTES = 16 * 1_048_576;

/** Small messages as one piece, for each write costs; large ones without a copy. */
export function sendMessage(stream: ClientHttp2Stream, message: readonly Uint8Array[]): void {
  const length = message.reduce((sum, part) => sum + part.length, 0);
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(length, 1);
  if (length <= COPIED_BYTES) return void stream.end(Buffer.concat([prefix, ...message]));
  stream.cork();
  for (const part of [prefix, ...message]) stream.write(part);
  stream.end();
  stream.uncork();
}

/** Puts messages together from the pieces in which they come. Throws on one that is compressed, which was not offered, or too large. */
export function messagesIn(take: (message: Buffer) => unknown): (piece: Buffer) => void {
  let pieces: Buffer[] = [];
  let have = 0;
  return (piece) => {
    pieces.push(piece);
    have += piece.length;
    while (have >= PREFIX_BYTES) {
      if (pieces[0]!.length < PREFIX_BYTES) pieces = [Buffer.concat(pieces)];
      const length = pieces[0]!.readUInt32BE(1);
      if (pieces[0]![0] !== 0) throw new Error('a message came compressed');
      if (length > MAX_MESSAGE_BYTES) throw new Error(`a message of ${length} bytes is too large`);
      const whole = PREFIX_BYTES + length;
      if (have < whole) return;
      const isJoined = pieces.length > 1;
      const all = isJoined ? Buffer.concat(pieces) : pieces[0]!;
      const message = all.subarray(PREFIX_BYTES, whole);
      // A copy: what is kept of a message must not hold the memory of all that came with it.
      take(isJoined && all.length === whole ? message : Buffer.from(message));
      have -= whole;
      pieces = have === 0 ? [] : [all.subarray(whole)];
    }
  };
}
