import type { ClientHttp2Stream } from 'node:http2';

/** Compressed or not, and the length of the message. */
const PREFIX_BYTES = 5;
const COPIED_BYTES = 4096;

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

/** Puts messages together from the pieces in which they come. */
export function messagesIn(take: (message: Buffer) => unknown): (piece: Buffer) => void {
  let pieces: Buffer[] = [];
  let have = 0;
  return (piece) => {
    pieces.push(piece);
    have += piece.length;
    while (have >= PREFIX_BYTES) {
      if (pieces[0]!.length < PREFIX_BYTES) pieces = [Buffer.concat(pieces)];
      const whole = PREFIX_BYTES + pieces[0]!.readUInt32BE(1);
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
