import { Boundaries, BOUNDARY_BYTES } from './boundaries.ts';
import { DataFile } from './data-file.ts';
import { MemoryTail } from './memory-tail.ts';
import { dataBytes, readEndRecord, type EndRecord, type SpoolPaths } from './spool-files.ts';
import type { SpoolError } from './spool.ts';

/** Most bytes of one job in memory: beyond, they are read from the file, and a writer that outruns the disk waits. */
export const TAIL_BYTES = 256 << 10;

/** Most chunks that are cut with one write, when the reader has so much before it. */
const MAX_CUTS = 16;

/** The bytes of one spool, in memory and on disk, and where they are cut. */
export class SpoolBody {
  readonly #tail: MemoryTail;
  readonly #data: DataFile;
  readonly #boundaries: Boundaries;
  #cutting: Promise<void> | undefined;

  private constructor(tail: MemoryTail, data: DataFile, boundaries: Boundaries) {
    this.#tail = tail;
    this.#data = data;
    this.#boundaries = boundaries;
  }

  /** Empty. */
  static async create(paths: SpoolPaths): Promise<SpoolBody> {
    const tail = new MemoryTail(0);
    const data = await DataFile.create(paths.disk, paths.data, tail);
    try {
      return new SpoolBody(tail, data, await Boundaries.create(paths.disk, paths.boundaries));
    } catch (error) {
      await data.close();
      throw error;
    }
  }

  /** What an earlier writer left, with its end record when it is whole; undefined when there is nothing. */
  static async load(paths: SpoolPaths): Promise<{ body: SpoolBody; ended: EndRecord | undefined } | undefined> {
    const bytes = await dataBytes(paths);
    if (bytes === undefined) return undefined;
    const record = await readEndRecord(paths);
    const { boundaries, intact } = await Boundaries.load(paths.disk, paths.boundaries, bytes);
    const ended = intact && record?.bytes === bytes ? record : undefined;
    // Of a spool that was cut short, only what a buyer may have seen: nothing new is cut.
    const tail = new MemoryTail(ended === undefined ? boundaries.end : bytes);
    return { body: new SpoolBody(tail, DataFile.existing(paths.disk, paths.data, tail), boundaries), ended };
  }

  get size(): number {
    return this.#tail.end;
  }

  get unwritten(): number {
    return this.#tail.end - this.#data.written;
  }

  /** Why nothing is written any more. */
  get failure(): SpoolError | undefined {
    return this.#data.failure;
  }

  get chunkCount(): number {
    return this.#boundaries.count;
  }

  get uncutBytes(): number {
    return this.#tail.end - this.#boundaries.end;
  }

  get hasUncut(): boolean {
    return this.#boundaries.end < this.#tail.end;
  }

  lengthOf(seq: number): number {
    return this.#boundaries.lengthOf(seq);
  }

  append(bytes: Uint8Array): void {
    this.#tail.append(bytes);
  }

  /** Writes what was appended; never rejects: see `failure`. */
  flush(onProgress: () => void): Promise<void> {
    return this.#data.flush(onProgress);
  }

  /** Whether the bytes from an offset on are all in memory. */
  holds(from: number): boolean {
    return from >= this.#tail.start;
  }

  /** Fills `target` with the bytes from `from` on: from memory at once, else from the file. */
  async read(from: number, target: Uint8Array): Promise<void> {
    // Before any wait: meanwhile, these bytes may leave the memory.
    const middle = Math.min(Math.max(from, this.#tail.start), from + target.length);
    this.#tail.copy(middle, target.subarray(middle - from));
    if (middle > from) await this.#data.read(from, target.subarray(0, middle - from));
  }

  /** Cuts the next chunks: full ones, else one of all there is; joins a cut that is under way. `onCut`: bytes that this took on disk. */
  cut(maxChunkBytes: number, onCut: (bytes: number) => void): Promise<void> {
    const length = Math.min(maxChunkBytes, this.uncutBytes);
    const count = Math.min(Math.floor(this.uncutBytes / length), MAX_CUTS);
    this.#cutting ??= this.#boundaries
      .cut(length, count)
      .then(() => onCut(count * BOUNDARY_BYTES))
      .finally(() => {
        this.#cutting = undefined;
      });
    return this.#cutting;
  }

  /** Lets go of what is written and read, and of what is written and too much to hold for a slow reader. */
  trim(slowestReader: number): void {
    const unwrittenFrom = this.#data.written;
    this.#tail.forget(Math.min(unwrittenFrom, Math.max(slowestReader, this.#tail.end - TAIL_BYTES)));
  }

  async sync(): Promise<void> {
    await Promise.all([this.#data.sync(), this.#boundaries.sync()]);
  }

  async close(): Promise<void> {
    await Promise.all([this.#data.close(), this.#boundaries.close()]);
  }
}
