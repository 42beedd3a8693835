import type { SpoolBody } from './spool-body.ts';

/** What a reader that lags behind the memory takes from the file at once. */
const READ_BYTES = 256 << 10;

/**
 * Where a reader is; the spool keeps bytes in memory for the slowest, as long as there is room. It copies into memory of its own, and always the
 * same: new memory for each chunk costs more than all the rest of its way.
 */
export class Place {
  #position = 0;
  #memory = new Uint8Array();
  /** What the memory holds: offsets in the spool. */
  #start = 0;
  #end = 0;

  get position(): number {
    return this.#position;
  }

  /** The next `length` bytes, which must be there, and moves on. Valid until the next call; one call at a time. */
  async take(length: number, body: SpoolBody): Promise<Uint8Array> {
    const from = this.#position;
    if (from + length > this.#end) await this.#load(from, length, body);
    this.#position = from + length;
    return this.#memory.subarray(from - this.#start, this.#position - this.#start);
  }

  async #load(from: number, length: number, body: SpoolBody): Promise<void> {
    const bytes = body.holds(from) ? length : Math.max(length, Math.min(READ_BYTES, body.size - from));
    if (this.#memory.length < bytes) this.#memory = new Uint8Array(bytes);
    this.#start = this.#end = from;
    await body.read(from, this.#memory.subarray(0, bytes));
    this.#end = from + bytes;
  }
}
