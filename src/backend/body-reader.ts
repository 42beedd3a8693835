import { finished } from 'node:stream';
import type { Readable } from 'node:stream';

/** Of pieces that wait, small ones are handed on as one; larger ones are not copied. */
const GATHERED_BYTES = 16 << 10;
/** So much may wait before the sender has to. */
const WAITING_BYTES = 64 << 10;

/** Bytes as they come, pulled. A stream's own iterator joins all that waits, and so copies what comes fast into new memory once more. */
export class BodyReader implements AsyncIterator<Uint8Array, undefined> {
  readonly #source: Readable;
  readonly #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #end: { readonly error: Error | null | undefined } | undefined;
  #wake: () => void = () => {};

  constructor(source: Readable) {
    this.#source = source;
    source.on('data', (piece: Buffer) => {
      this.#waiting.push(piece);
      this.#waitingBytes += piece.length;
      if (this.#waitingBytes >= WAITING_BYTES) source.pause();
      this.#wake();
    });
    finished(source, { writable: false }, (error) => {
      this.#end = { error };
      this.#wake();
    });
  }

  /** One call at a time. Rejects with what broke the source, once all that came before was taken. */
  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    while (this.#waiting.length === 0) {
      if (this.#end?.error) throw this.#end.error;
      if (this.#end !== undefined) return { done: true, value: undefined };
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    const value = this.#take();
    if (this.#waitingBytes === 0) this.#source.resume();
    return { done: false, value };
  }

  #take(): Buffer {
    let [count, bytes] = [1, this.#waiting[0]!.length];
    for (; count < this.#waiting.length; count++) {
      if (bytes + this.#waiting[count]!.length > GATHERED_BYTES) break;
      bytes += this.#waiting[count]!.length;
    }
    this.#waitingBytes -= bytes;
    const taken = this.#waiting.splice(0, count);
    return taken.length === 1 ? taken[0]! : Buffer.concat(taken, bytes);
  }
}
