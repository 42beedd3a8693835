import { BucketQueue, HeapQueue } from './merge-queues.ts';

/** Pairs of symbols that merge: into what, and which first. */
export interface PairTable {
  /** The number of the pair, or -1. */
  find(left: number, right: number): number;
  /** The lowest merges first. */
  rankOf(pair: number): number;
  resultOf(pair: number): number;
}

/** leftmost: of pairs of equal rank the one that comes first. heap: the one that a binary heap, which knows ranks only, has on top. */
export type TieOrder = 'leftmost' | 'heap';

const NONE = -1;
const SHORT = 1 << 12;

/** Merges the pairs of a row of symbols, always the best pair of the whole row: O(n log n). */
export class Merger {
  readonly #pairs: PairTable;
  readonly #ties: TieOrder;
  readonly #heap: HeapQueue;
  #previous = new Int32Array(SHORT);
  #next = new Int32Array(SHORT);

  constructor(pairs: PairTable, ties: TieOrder) {
    this.#pairs = pairs;
    this.#ties = ties;
    this.#heap = new HeapQueue(ties === 'leftmost', SHORT);
  }

  /** Merges the first `length` of `symbols` in place; what is left stands at the front. Returns how many that are. */
  merge(symbols: Int32Array, length: number): number {
    const pairs = this.#pairs;
    const isShort = length <= SHORT;
    const queue = isShort ? this.#heap : this.#ties === 'heap' ? new HeapQueue(false, length) : new BucketQueue();
    const previous = isShort ? this.#previous : new Int32Array(length);
    const next = isShort ? this.#next : new Int32Array(length);
    const offer = (left: number, right: number): void => {
      const pair = pairs.find(symbols[left] as number, symbols[right] as number);
      if (pair >= 0) queue.offer(pairs.rankOf(pair), left);
    };
    for (let at = 0; at < length; at++) {
      previous[at] = at - 1;
      next[at] = at + 1;
      if (at > 0) offer(at - 1, at);
    }
    for (let left = queue.take(); left >= 0; left = queue.take()) {
      const right = next[left] as number;
      if ((symbols[left] as number) < 0 || right >= length) continue;
      // What was offered may have merged with others since.
      const pair = pairs.find(symbols[left] as number, symbols[right] as number);
      if (pair < 0 || pairs.rankOf(pair) !== queue.rank) continue;
      symbols[left] = pairs.resultOf(pair);
      symbols[right] = NONE;
      const after = next[right] as number;
      next[left] = after;
      const before = previous[left] as number;
      if (before >= 0) offer(before, left);
      if (after < length) {
        previous[after] = left;
        offer(left, after);
      }
    }
    let kept = 0;
    for (let at = 0; at < length; at = next[at] as number) symbols[kept++] = symbols[at] as number;
    return kept;
  }
}
