import { join } from 'node:path';
import { systemDisk, type Disk } from './disk.ts';
import { LiveSpool, type SpoolHouse, type SpoolLimits } from './live-spool.ts';
import { spoolError, unlessMissing } from './spool-disk.ts';
import {
  nameOf,
  removeFiles,
  spoolName,
  spoolPaths,
  syncFiles,
  type EndRecord,
  type SpoolPaths,
} from './spool-files.ts';
import { readerOf } from './spool-reader.ts';
import { SpoolError, type Spool, type SpoolReader, type SpoolWriter } from './spool.ts';
import { TurnsByKey, turns } from '../turns/turns.ts';
import { Usage } from './usage.ts';

/** Spools that are made durable at once, of the four threads that Node has for files. */
const SYNC_TURNS = 2;

export interface DiskSpoolOptions {
  /** Made with mode 0700 when it is not there. For these files alone. */
  readonly directory: string;
  /** All jobs together. */
  readonly maxBytes: number;
  /** Default: the machine's. */
  readonly disk?: Disk;
  /** Told of trouble with files, also where no caller waits for the outcome. */
  readonly log?: { warn(fields: object, message: string): void };
}

/** Opens the spools in a directory; what earlier processes left there is counted, and can be read. Rejects with SpoolError. */
export async function openDiskSpool(options: DiskSpoolOptions): Promise<Spool> {
  const { directory, disk = systemDisk } = options;
  const usage = new Usage(options.maxBytes);
  try {
    await disk.mkdir(directory, { recursive: true, mode: 0o700 });
    for (const file of await disk.readdir(directory)) {
      const name = nameOf(file);
      const found = name && (await unlessMissing(disk.stat(join(directory, file))));
      if (name !== undefined && found) usage.add(name, found.size);
    }
  } catch (error) {
    throw spoolError(error);
  }
  return new DiskSpool(options, usage);
}

class DiskSpool implements Spool {
  readonly #pathsOf: (name: string) => SpoolPaths;
  readonly #usage: Usage;
  readonly #house: SpoolHouse;
  readonly #live = new Map<string, LiveSpool>();
  /** One of create, read, remove at a time for each job. */
  readonly #turns = new TurnsByKey();
  #closed = false;

  constructor({ directory, log, disk = systemDisk }: DiskSpoolOptions, usage: Usage) {
    this.#pathsOf = (name) => spoolPaths(disk, directory, name);
    this.#usage = usage;
    this.#house = {
      usage,
      inSyncTurn: turns(SYNC_TURNS),
      onRelease: (spool) => {
        if (this.#live.get(spool.name) === spool) this.#live.delete(spool.name);
      },
      onTrouble: (error) => log?.warn({ err: error }, 'a spool failed'),
    };
  }

  create(jobKey: string, limits: SpoolLimits): Promise<SpoolWriter> {
    return this.#inTurn(jobKey, async (name) => {
      if (this.#usage.has(name)) await this.#removeNow(name);
      this.#usage.add(name, 0); // known, from before its files are there
      const spool = await LiveSpool.create(this.#pathsOf(name), this.#house, limits);
      this.#live.set(name, spool);
      return {
        append: (bytes, signal) => spool.append(bytes, signal),
        end: async (note) => {
          const { bytes, sha256 } = await spool.end(note);
          return { bytes, sha256 };
        },
        abort: () => spool.abort(),
      };
    });
  }

  read(jobKey: string, { maxChunkBytes }: { maxChunkBytes: number }): Promise<SpoolReader | undefined> {
    return this.#inTurn(jobKey, async (name) => {
      const live = this.#live.get(name);
      if (live !== undefined) return readerOf(live, maxChunkBytes);
      const loaded = await LiveSpool.load(this.#pathsOf(name), this.#house);
      if (loaded === undefined) return undefined;
      this.#live.set(name, loaded);
      return readerOf(loaded, maxChunkBytes);
    });
  }

  finished(jobKey: string): Promise<EndRecord | undefined> {
    return this.#inTurn(jobKey, async (name) => {
      const live = this.#live.get(name);
      if (live !== undefined) return live.endRecord;
      // One that is only loaded to look at opens no file, so that it need not be released.
      const paths = this.#pathsOf(name);
      const loaded = await LiveSpool.load(paths, this.#house);
      if (loaded?.endRecord !== undefined) await syncFiles(paths);
      return loaded?.endRecord;
    });
  }

  remove(jobKey: string): Promise<void> {
    return this.#inTurn(jobKey, (name) => this.#removeNow(name));
  }

  usedBytes(): number {
    return this.#usage.total;
  }

  async close(): Promise<void> {
    this.#closed = true;
    const reason = new SpoolError('failed', 'the spool is closed');
    await this.#turns.whenIdle();
    await Promise.all([...this.#live.values()].map((spool) => spool.discard(reason)));
  }

  async #removeNow(name: string): Promise<void> {
    await this.#live.get(name)?.discard(new SpoolError('failed', 'the spool was removed'));
    await removeFiles(this.#pathsOf(name));
    this.#usage.forget(name);
  }

  async #inTurn<Value>(jobKey: string, work: (name: string) => Promise<Value>): Promise<Value> {
    if (this.#closed) throw new SpoolError('failed', 'the spool is closed');
    const name = spoolName(jobKey);
    try {
      return await this.#turns.take(name, () => work(name));
    } catch (error) {
      throw spoolError(error);
    }
  }
}
