import { constants } from 'node:fs';
import type { Disk, DiskFile } from '../../src/spool/disk.ts';
import type { Life } from './life.ts';
import type { World } from './world.ts';

/** What one file is: `synced` bytes of it, and its name if that `isNamed`, survive a power cut. */
interface Inode {
  bytes: Uint8Array;
  size: number;
  synced: number;
  isNamed: boolean;
}

type DiskCall = <T>(work: () => T) => Promise<T>;

/** What makes bytes durable takes its time. */
const SYNC_MS = 10;

const failure = (code: string): Error => Object.assign(new Error(`${code}: the simulated disk`), { code });

/** The disk that holds the spool: outlives every process, and forgets in a power cut what was not synced. */
export class MemoryDisk {
  /** What goes wrong with it now. */
  fault: 'none' | 'full' | 'broken' = 'none';
  readonly #world: World;
  readonly #files = new Map<string, Inode>();

  constructor(world: World) {
    this.#world = world;
  }

  /** The paths of all files. */
  files(): string[] {
    return [...this.#files.keys()];
  }

  cutPower(): void {
    const { random } = this.#world;
    for (const [path, file] of this.#files) {
      if (file.synced < file.size) file.size = random.between(file.synced, file.size);
      if (!file.isNamed && random.chance(0.5)) this.#files.delete(path);
    }
  }

  /** As one process sees it. */
  mount(life: Life): Disk {
    const io: DiskCall = (work) => life.call(work, { withinMs: 0 });
    const sync: DiskCall = (work) => life.call(work, { withinMs: SYNC_MS });
    const find = (path: string): Inode => {
      const file = this.#files.get(path);
      if (file === undefined) throw failure('ENOENT');
      return file;
    };
    return {
      mkdir: () => io(() => undefined),
      readdir: (path) => io(() => [...this.#files.keys()].map((file) => file.slice(path.length + 1))),
      stat: (path) => io(() => ({ size: find(path).size })),
      unlink: (path) =>
        io(() => {
          find(path);
          this.#files.delete(path);
        }),
      readFile: (path) => io(() => this.#read(find(path), 0, Infinity)),
      syncDirectory: () =>
        sync(() => {
          for (const file of this.#files.values()) file.isNamed = true;
        }),
      open: (path, flags) => io(() => this.#open(path, flags, io, sync)),
    };
  }

  #open(path: string, flags: string | number, io: DiskCall, sync: DiskCall): DiskFile {
    const isEmptied = typeof flags === 'string' && flags.startsWith('w');
    const isMade = isEmptied || (typeof flags === 'number' && (flags & constants.O_CREAT) !== 0);
    let file = this.#files.get(path);
    if (file === undefined || isEmptied) {
      if (!isMade) throw failure('ENOENT');
      if (this.fault !== 'none') throw failure(this.fault === 'full' ? 'ENOSPC' : 'EIO');
      file = { bytes: new Uint8Array(256), size: 0, synced: 0, isNamed: false };
      this.#files.set(path, file);
    }
    const inode = file;
    return {
      writev: (views, position) => io(() => ({ bytesWritten: this.#write(inode, views, position) })),
      read: (into, offset, length, position) =>
        io(() => {
          const bytes = this.#read(inode, position, length);
          into.set(bytes, offset);
          return { bytesRead: bytes.length };
        }),
      datasync: () =>
        sync(() => {
          if (this.fault === 'broken') throw failure('EIO');
          inode.synced = inode.size;
        }),
      close: () => io(() => undefined),
    };
  }

  #read(file: Inode, position: number, length: number): Uint8Array {
    if (this.fault === 'broken' && this.#world.random.chance(0.5)) throw failure('EIO');
    return file.bytes.slice(position, Math.min(file.size, position + length));
  }

  /** Now and then less than it should, as a file system may. */
  #write(file: Inode, views: readonly Uint8Array[], position: number): number {
    if (this.fault !== 'none' && this.#world.random.chance(0.7))
      throw failure(this.fault === 'full' ? 'ENOSPC' : 'EIO');
    const whole = Buffer.concat(views);
    const written = this.#world.random.chance(0.05) ? this.#world.random.between(1, whole.length) : whole.length;
    const end = position + written;
    if (end > file.bytes.length) {
      const larger = new Uint8Array(Math.max(end, 2 * file.bytes.length));
      larger.set(file.bytes.subarray(0, file.size));
      file.bytes = larger;
    }
    file.bytes.set(whole.subarray(0, written), position);
    file.size = Math.max(file.size, end);
    file.synced = Math.min(file.synced, position);
    return written;
  }
}
