import type { Disk, DiskFile } from './disk.ts';
import type { MemoryTail } from './memory-tail.ts';
import { readExactly, spoolError, writeAll } from './spool-disk.ts';
import type { SpoolError } from './spool.ts';

/** Most bytes of one write. */
const WRITE_BYTES = 1 << 20;

/** The bytes of a spool on disk: follows the memory tail, one write at a time, each with all that gathered meanwhile. */
export class DataFile {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #tail: MemoryTail;
  #handle: Promise<DiskFile> | undefined;
  #written: number;
  #flushing: Promise<void> | undefined;
  #failure: SpoolError | undefined;

  private constructor(disk: Disk, path: string, tail: MemoryTail) {
    this.#disk = disk;
    this.#path = path;
    this.#tail = tail;
    this.#written = tail.end;
  }

  /** An empty file. */
  static async create(disk: Disk, path: string, tail: MemoryTail): Promise<DataFile> {
    const file = new DataFile(disk, path, tail);
    file.#handle = disk.open(path, 'w+', 0o600);
    await file.#handle;
    return file;
  }

  /** A file that is there, for reading; opened when it is first read. */
  static existing(disk: Disk, path: string, tail: MemoryTail): DataFile {
    return new DataFile(disk, path, tail);
  }

  /** How far the file has come. */
  get written(): number {
    return this.#written;
  }

  /** Set once a write failed: nothing is written any more. */
  get failure(): SpoolError | undefined {
    return this.#failure;
  }

  /** Writes what the tail holds; `onProgress` after each write, or failure. Never rejects: see `failure`. */
  flush(onProgress: () => void): Promise<void> {
    this.#flushing ??= this.#writeTail(onProgress).finally(() => {
      this.#flushing = undefined;
    });
    return this.#flushing;
  }

  /** Fills `target` with the bytes from `position` on. */
  async read(position: number, target: Uint8Array): Promise<void> {
    this.#handle ??= this.#disk.open(this.#path, 'r');
    await readExactly(await this.#handle, position, target);
  }

  async sync(): Promise<void> {
    await (await this.#handle)?.datasync();
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await (await handle)?.close();
  }

  async #writeTail(onProgress: () => void): Promise<void> {
    while (this.#failure === undefined && this.#written < this.#tail.end) {
      const end = Math.min(this.#tail.end, this.#written + WRITE_BYTES);
      try {
        const handle = await this.#handle;
        if (handle === undefined) throw new Error('the file is closed');
        await writeAll(handle, this.#tail.views(this.#written, end), this.#written);
        this.#written = end;
      } catch (error) {
        this.#failure = spoolError(error);
      }
      onProgress();
    }
  }
}
