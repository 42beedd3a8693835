/** What an ExpiryQueue holds. It may be in several queues: who clears `live` tells each of them. */
export interface Expiring {
  readonly second: number;
  live: boolean;
}

/** The entries of one second, in the order they came; those before `head` are gone, `dead` ones follow among the rest. */
interface Bucket<E> {
  entries: E[];
  head: number;
  dead: number;
}

/**
 * Entries by the second at which they expire, oldest first. Adding and dropping take constant time on average; only a
 * second that is new to the queue costs a place in a sorted array, which is as long as the window has seconds.
 */
export class ExpiryQueue<E extends Expiring> {
  readonly #buckets = new Map<number, Bucket<E>>();
  /** The seconds that have a bucket, latest first: the oldest is taken from the end. */
  readonly #seconds: number[] = [];
  #size = 0;

  /** How many entries are live. */
  get size(): number {
    return this.#size;
  }

  add(entry: E): void {
    let bucket = this.#buckets.get(entry.second);
    if (bucket === undefined) {
      bucket = { entries: [], head: 0, dead: 0 };
      this.#buckets.set(entry.second, bucket);
      this.#seconds.splice(this.#position(entry.second), 0, entry.second);
    }
    bucket.entries.push(entry);
    this.#size++;
  }

  /** To be told of each entry that has died. Its place is freed when as many are dead as alive, at the latest. */
  dropped(entry: E): void {
    this.#size--;
    const bucket = this.#buckets.get(entry.second);
    if (bucket === undefined) return;
    bucket.dead++;
    if (2 * (bucket.head + bucket.dead) < bucket.entries.length) return;
    bucket.entries = bucket.entries.filter(({ live }) => live);
    bucket.head = 0;
    bucket.dead = 0;
  }

  /** The live entry that expires first; among those of one second, the one that came first. */
  oldest(): E | undefined {
    for (let second = this.#seconds.at(-1); second !== undefined; second = this.#seconds.at(-1)) {
      const entry = this.#first(this.#buckets.get(second)!);
      if (entry !== undefined) return entry;
      this.#seconds.pop();
      this.#buckets.delete(second);
    }
    return undefined;
  }

  #first(bucket: Bucket<E>): E | undefined {
    for (let entry = bucket.entries[bucket.head]; entry !== undefined; entry = bucket.entries[bucket.head]) {
      if (entry.live) return entry;
      bucket.head++;
      bucket.dead--;
    }
    return undefined;
  }

  #position(second: number): number {
    let low = 0;
    let high = this.#seconds.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#seconds[middle]! > second) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
