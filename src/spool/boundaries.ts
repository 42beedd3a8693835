import { constants } from 'node:fs';
import type { Disk, DiskFile } from './disk.ts';
import { readIfThere, writeAll } from './spool-disk.ts';

/** Bytes of one boundary in the file: the chunk's length, u32 little-endian. */
export const BOUNDARY_BYTES = 4;

/** Where the chunks of a spool were cut. A cut is in the file (in the page cache, so that a killed process leaves it) before it counts. */
export class Boundaries {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #lengths: number[];
  #end: number;
  #handle: DiskFile | undefined;

  private constructor(disk: Disk, path: string, lengths: number[]) {
    this.#disk = disk;
    this.#path = path;
    this.#lengths = lengths;
    this.#end = lengths.reduce((sum, length) => sum + length, 0);
  }

  /** None yet. */
  static async create(disk: Disk, path: string): Promise<Boundaries> {
    const boundaries = new Boundaries(disk, path, []);
    boundaries.#handle = await boundaries.#open();
    return boundaries;
  }

  /** Those that were cut of `dataBytes` bytes; not `intact` when the file holds others too, which are left out. */
  static async load(disk: Disk, path: string, dataBytes: number): Promise<{ boundaries: Boundaries; intact: boolean }> {
    const file = (await readIfThere(disk, path)) ?? new Uint8Array();
    const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
    // A torn last boundary was never handed out; the next cut overwrites it.
    const count = Math.floor(file.length / BOUNDARY_BYTES);
    const lengths: number[] = [];
    for (let index = 0, end = 0; index < count; index++) {
      const length = view.getUint32(index * BOUNDARY_BYTES, true);
      end += length;
      if (length === 0 || end > dataBytes) break;
      lengths.push(length);
    }
    return { boundaries: new Boundaries(disk, path, lengths), intact: lengths.length === count };
  }

  get count(): number {
    return this.#lengths.length;
  }

  /** The offset behind the last chunk. */
  get end(): number {
    return this.#end;
  }

  lengthOf(seq: number): number {
    return this.#lengths[seq] ?? 0;
  }

  /** Cuts the next `count` chunks, all of the same length. One call at a time. */
  async cut(length: number, count: number): Promise<void> {
    this.#handle ??= await this.#open();
    const bytes = new Uint8Array(count * BOUNDARY_BYTES);
    const view = new DataView(bytes.buffer);
    for (let at = 0; at < bytes.length; at += BOUNDARY_BYTES) view.setUint32(at, length, true);
    await writeAll(this.#handle, [bytes], this.#lengths.length * BOUNDARY_BYTES);
    for (let cut = 0; cut < count; cut++) this.#lengths.push(length);
    this.#end += count * length;
  }

  async sync(): Promise<void> {
    await this.#handle?.datasync();
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }

  /** Neither emptied nor O_APPEND: a cut goes where the last good one ended. */
  #open(): Promise<DiskFile> {
    return this.#disk.open(this.#path, constants.O_RDWR | constants.O_CREAT, 0o600);
  }
}
