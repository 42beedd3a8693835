/** How many bytes each spool holds, and all together. */
export class Usage {
  readonly #maxBytes: number;
  readonly #bytes = new Map<string, number>();
  #total = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get total(): number {
    return this.#total;
  }

  /** Whether there may be files of this name. */
  has(name: string): boolean {
    return this.#bytes.has(name);
  }

  /** Takes room for output; false when there is not enough of it. */
  take(name: string, bytes: number): boolean {
    if (this.#total + bytes > this.#maxBytes) return false;
    this.add(name, bytes);
    return true;
  }

  /** Counts what is there anyway. */
  add(name: string, bytes: number): void {
    this.#bytes.set(name, (this.#bytes.get(name) ?? 0) + bytes);
    this.#total += bytes;
  }

  forget(name: string): void {
    this.#total -= this.#bytes.get(name) ?? 0;
    this.#bytes.delete(name);
  }
}
