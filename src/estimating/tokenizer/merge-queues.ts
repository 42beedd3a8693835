/** Places of a row where a pair may merge; the one that is to merge next comes first. */
export interface MergeQueue {
  /** Of the place that was taken last. */
  readonly rank: number;
  offer(rank: number, place: number): void;
  /** The place of the lowest rank, or -1. */
  take(): number;
}

/** More places than one text can have. */
const MAX_PLACES = 2 ** 26;

/** A binary heap. Ollama's own engine compares ranks only, so that the order of equal ranks is this very heap's; else the leftmost place comes first. */
export class HeapQueue implements MergeQueue {
  rank = 0;
  readonly #isLeftmost: boolean;
  #keys: Float64Array;
  #places: Int32Array;
  #size = 0;

  constructor(isLeftmost: boolean, room: number) {
    this.#isLeftmost = isLeftmost;
    this.#keys = new Float64Array(room);
    this.#places = new Int32Array(room);
  }

  offer(rank: number, place: number): void {
    if (this.#size === this.#keys.length) this.#grow();
    const [keys, places] = [this.#keys, this.#places];
    const key = this.#isLeftmost ? rank * MAX_PLACES + place : rank;
    let at = this.#size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if ((keys[parent] as number) <= key) break;
      keys[at] = keys[parent] as number;
      places[at] = places[parent] as number;
      at = parent;
    }
    keys[at] = key;
    places[at] = place;
  }

  take(): number {
    if (this.#size === 0) return -1;
    const [keys, places] = [this.#keys, this.#places];
    const [top, taken] = [keys[0] as number, places[0] as number];
    this.rank = this.#isLeftmost ? Math.floor(top / MAX_PLACES) : top;
    // The last one goes to the top and sinks.
    const size = --this.#size;
    const key = keys[size] as number;
    let at = 0;
    for (let child = 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && (keys[child] as number) > (keys[child + 1] as number)) child++;
      if (key <= (keys[child] as number)) break;
      keys[at] = keys[child] as number;
      places[at] = places[child] as number;
      at = child;
    }
    keys[at] = key;
    places[at] = places[size] as number;
    return taken;
  }

  #grow(): void {
    const [keys, places] = [this.#keys, this.#places];
    this.#keys = new Float64Array(keys.length * 2);
    this.#keys.set(keys);
    this.#places = new Int32Array(places.length * 2);
    this.#places.set(places);
  }
}

/** The places of one rank: in order from `next` on, once that has begun. */
interface Bucket {
  places: number[];
  isSorted: boolean;
  next: number;
}

/** For long rows: a list for each rank, sorted when its turn comes, in which most places are offered in order already. The leftmost of a rank first. */
export class BucketQueue implements MergeQueue {
  rank = -1;
  readonly #buckets = new Map<number, Bucket>();
  readonly #ranks = new HeapQueue(true, 1024);
  #current: Bucket | undefined;

  offer(rank: number, place: number): void {
    const bucket = rank === this.rank ? this.#current : this.#buckets.get(rank);
    if (bucket === undefined) {
      this.#buckets.set(rank, { places: [place], isSorted: true, next: 0 });
      this.#ranks.offer(rank, 0);
      if (rank < this.rank) this.#setAside();
    } else {
      const { places } = bucket;
      if (bucket.isSorted && (places.at(-1) as number) > place) bucket.isSorted = false;
      places.push(place);
    }
  }

  take(): number {
    for (;;) {
      const bucket = this.#current ?? this.#open();
      if (bucket === undefined) return -1;
      if (!bucket.isSorted) {
        bucket.places = bucket.places.slice(bucket.next).toSorted((a, b) => a - b);
        bucket.next = 0;
        bucket.isSorted = true;
      }
      const place = bucket.places[bucket.next++];
      if (place !== undefined) return place;
      this.#buckets.delete(this.rank);
      this.#current = undefined;
      this.rank = -1;
    }
  }

  #open(): Bucket | undefined {
    if (this.#ranks.take() < 0) return undefined;
    this.rank = this.#ranks.rank;
    return (this.#current = this.#buckets.get(this.rank));
  }

  /** A lower rank has come: it is its turn. */
  #setAside(): void {
    this.#ranks.offer(this.rank, 0);
    this.#current = undefined;
    this.rank = -1;
  }
}
