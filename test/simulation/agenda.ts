/** Something that happens at a moment; `isOff` once it was taken back. */
export interface Entry {
  readonly atMs: number;
  readonly order: number;
  readonly happen: () => void;
  isOff: boolean;
}

const isBefore = (a: Entry, b: Entry): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

/** What is going to happen, by time, and within one moment in the order in which it was put here: a binary heap. */
export class Agenda {
  readonly #heap: Entry[] = [];
  #order = 0;

  add(atMs: number, happen: () => void): Entry {
    const entry: Entry = { atMs, order: this.#order++, happen, isOff: false };
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    for (let parent = (at - 1) >> 1; at > 0 && isBefore(entry, heap[parent] as Entry); parent = (at - 1) >> 1) {
      heap[at] = heap[parent] as Entry;
      at = parent;
    }
    heap[at] = entry;
    return entry;
  }

  /** The next one, without those that were taken back. */
  peek(): Entry | undefined {
    while (this.#heap[0]?.isOff === true) this.#removeFirst();
    return this.#heap[0];
  }

  take(): Entry | undefined {
    const first = this.peek();
    if (first !== undefined) this.#removeFirst();
    return first;
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop() as Entry;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Entry, heap[child] as Entry)) child++;
      if (!isBefore(heap[child] as Entry, last)) break;
      heap[at] = heap[child] as Entry;
      at = child;
    }
    heap[at] = last;
  }
}
