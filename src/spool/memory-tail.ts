/** Blocks grow between these: a trickle of tokens holds little, a flood needs few blocks. */
const MIN_BLOCK_BYTES = 4 << 10;
const MAX_BLOCK_BYTES = 64 << 10;
/** Blocks of the largest size that are kept to be used again: new memory costs far more than the copy into it. */
const MAX_SPARE_BLOCKS = 4;

interface Block {
  readonly start: number;
  readonly bytes: Uint8Array;
  used: number;
}

/** The newest bytes of a spool, in memory. Offsets count from the start of the spool; a byte once written is never rewritten. */
export class MemoryTail {
  #blocks: Block[] = [];
  readonly #spare: Uint8Array[] = [];
  #end: number;

  constructor(start: number) {
    this.#end = start;
  }

  /** The first byte that is held; what lies before must be read from the file. */
  get start(): number {
    return this.#blocks[0]?.start ?? this.#end;
  }

  get end(): number {
    return this.#end;
  }

  /** Copies bytes in. */
  append(bytes: Uint8Array): void {
    for (let taken = 0; taken < bytes.length;) {
      const block = this.#roomFor(bytes.length - taken);
      const part = bytes.subarray(taken, taken + block.bytes.length - block.used);
      block.bytes.set(part, block.used);
      block.used += part.length;
      taken += part.length;
      this.#end += part.length;
    }
  }

  /** Fills `target` with the bytes from `from` on, which must be held. */
  copy(from: number, target: Uint8Array): void {
    let at = 0;
    for (const view of this.views(from, from + target.length)) {
      target.set(view, at);
      at += view.length;
    }
  }

  /** Views of [from, to), without a copy, until they are forgotten. */
  views(from: number, to: number): Uint8Array[] {
    return this.#blocks
      .filter((block) => block.start < to && block.start + block.used > from)
      .map(({ start, bytes, used }) => bytes.subarray(Math.max(0, from - start), Math.min(used, to - start)));
  }

  /** Lets go of full blocks that end at or before an offset; their memory is used again. */
  forget(before: number): void {
    let count = 0;
    while (count < this.#blocks.length && this.#isFullAndBefore(this.#blocks[count], before)) count++;
    for (const { bytes } of this.#blocks.splice(0, count))
      if (bytes.length === MAX_BLOCK_BYTES && this.#spare.length < MAX_SPARE_BLOCKS) this.#spare.push(bytes);
  }

  #isFullAndBefore(block: Block | undefined, before: number): boolean {
    return block !== undefined && block.used === block.bytes.length && block.start + block.used <= before;
  }

  #roomFor(wanted: number): Block {
    const last = this.#blocks.at(-1);
    if (last !== undefined && last.used < last.bytes.length) return last;
    const size = Math.min(Math.max(wanted, 2 * (last?.bytes.length ?? 0), MIN_BLOCK_BYTES), MAX_BLOCK_BYTES);
    const bytes = (size === MAX_BLOCK_BYTES ? this.#spare.pop() : undefined) ?? new Uint8Array(size);
    const block: Block = { start: this.#end, bytes, used: 0 };
    this.#blocks.push(block);
    return block;
  }
}
