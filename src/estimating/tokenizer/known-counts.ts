const MAX_KNOWN = 1 << 16;
const MAX_LENGTH = 48;

/** Remembers the counts of short pieces: most pieces of a text are words that come again. */
export class KnownCounts {
  readonly #counts = new Map<string, number>();

  get(piece: string, count: (piece: string) => number): number {
    if (piece.length > MAX_LENGTH) return count(piece);
    let tokens = this.#counts.get(piece);
    if (tokens === undefined) {
      tokens = count(piece);
      if (this.#counts.size >= MAX_KNOWN) this.#counts.clear();
      // A slice would keep the whole text.
      this.#counts.set(Buffer.from(piece).toString(), tokens);
    }
    return tokens;
  }
}
