import type { Socket } from 'node:net';

/** What may wait; then the socket is not read any more. */
const MAX_BYTES = 256 * 1024;

/** Input of one socket that LDK has not been given yet. */
export class Backlog {
  readonly #socket: Socket;
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  get isEmpty(): boolean {
    return this.#chunks.length === 0;
  }

  push(bytes: Uint8Array): void {
    this.#chunks.push(bytes);
    this.#bytes += bytes.length;
    if (this.#bytes > MAX_BYTES) this.#socket.pause();
  }

  /** Takes the next bytes out, `most` or fewer. */
  take(most: number): Uint8Array {
    const [first = new Uint8Array()] = this.#chunks;
    const taken = first.subarray(0, most);
    if (taken.length === first.length) this.#chunks.shift();
    else this.#chunks[0] = first.subarray(most);
    this.#bytes -= taken.length;
    if (this.#socket.isPaused() && this.#bytes < MAX_BYTES / 2) this.#socket.resume();
    return taken;
  }
}
