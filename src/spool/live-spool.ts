import { createHash } from 'node:crypto';
import { Place } from './place.ts';
import { SpoolBody, TAIL_BYTES } from './spool-body.ts';
import { spoolError } from './spool-disk.ts';
import { writeEndRecord, type EndRecord, type SpoolPaths } from './spool-files.ts';
import { SpoolError } from './spool.ts';
import type { Usage } from './usage.ts';

/** What the spools of one directory share. */
export interface SpoolHouse {
  readonly usage: Usage;
  /** Few at a time: each holds a thread of Node's small pool, which first bytes need too. */
  readonly inSyncTurn: <Value>(work: () => Promise<Value>) => Promise<Value>;
  readonly onRelease: (spool: LiveSpool) => void;
  readonly onTrouble: (error: SpoolError) => void;
}

export interface SpoolLimits {
  readonly maxBytes: number;
  readonly maxBacklogBytes: number;
}

type Phase = 'writing' | 'ending' | 'ended' | 'aborted';

const givenUp = (): SpoolError => new SpoolError('failed', 'the spool takes no more: its writer ended, or gave up');

/** One job's spool while somebody writes or reads it; holds its files open no longer. */
export class LiveSpool {
  readonly name: string;
  readonly #paths: SpoolPaths;
  readonly #house: SpoolHouse;
  readonly #body: SpoolBody;
  readonly #limits: SpoolLimits;
  readonly #hash = createHash('sha256');
  readonly #places = new Set<Place>();
  readonly #released = Promise.withResolvers<void>();
  #changed = Promise.withResolvers<void>();
  #phase: Phase = 'writing';
  #endRecord: EndRecord | undefined;
  #failure: SpoolError | undefined;
  #isDiscarded = false;
  #isReleased = false;
  /** The furthest that any reader has come. */
  #readMost = 0;
  /** Pieces of work that need the files. */
  #busy = 0;

  private constructor(paths: SpoolPaths, house: SpoolHouse, body: SpoolBody, limits: SpoolLimits) {
    this.name = paths.name;
    this.#paths = paths;
    this.#house = house;
    this.#body = body;
    this.#limits = limits;
  }

  /** An empty spool. Its files must not be there. */
  static async create(paths: SpoolPaths, house: SpoolHouse, limits: SpoolLimits): Promise<LiveSpool> {
    return new LiveSpool(paths, house, await SpoolBody.create(paths), limits);
  }

  /** What an earlier writer left, whole or cut short; undefined when there is nothing. */
  static async load(paths: SpoolPaths, house: SpoolHouse): Promise<LiveSpool | undefined> {
    const loaded = await SpoolBody.load(paths);
    if (loaded === undefined) return undefined;
    const spool = new LiveSpool(paths, house, loaded.body, { maxBytes: 0, maxBacklogBytes: 0 });
    spool.#phase = loaded.ended === undefined ? 'aborted' : 'ended';
    spool.#endRecord = loaded.ended;
    return spool;
  }

  /** How a reader that has read everything goes on; undefined: more may come. */
  get outcome(): 'end' | 'aborted' | undefined {
    if (this.#phase === 'ended') return 'end';
    return this.#phase === 'aborted' ? 'aborted' : undefined;
  }

  /** Set once the end is durable. */
  get endRecord(): EndRecord | undefined {
    return this.#endRecord;
  }

  get isDiscarded(): boolean {
    return this.#isDiscarded;
  }

  get chunkCount(): number {
    return this.#body.chunkCount;
  }

  get uncutBytes(): number {
    return this.#body.uncutBytes;
  }

  get hasUncut(): boolean {
    return this.#body.hasUncut;
  }

  /** Settles at the next change of anything: bytes, phase, how far readers are. */
  get changed(): Promise<void> {
    return this.#changed.promise;
  }

  async append(bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
    this.#assertWriting();
    if (this.#body.size + bytes.length > this.#limits.maxBytes) {
      throw new SpoolError('too-large', `the output is larger than the ${this.#limits.maxBytes} bytes of its job`);
    }
    if (!this.#house.usage.take(this.name, bytes.length)) {
      throw new SpoolError('disk-full', 'all spools together hold as much as they may');
    }
    this.#hash.update(bytes);
    this.#body.append(bytes);
    this.#wake();
    void this.#flush();
    if (this.#mustWait()) await this.#untilRoom(signal);
    if (this.#phase === 'aborted') throw this.#failure ?? givenUp();
  }

  async end(note: string): Promise<EndRecord> {
    this.#assertWriting();
    this.#phase = 'ending';
    this.#wake();
    return this.#while(async () => {
      try {
        const record = { bytes: this.#body.size, sha256: this.#hash.digest('hex'), note };
        await this.#flush();
        if (this.#body.failure !== undefined) throw this.#body.failure;
        await this.#house.inSyncTurn(async () => {
          await this.#body.sync();
          this.#house.usage.add(this.name, await writeEndRecord(this.#paths, record));
        });
        this.#phase = 'ended';
        this.#endRecord = record;
        this.#wake();
        return record;
      } catch (error) {
        throw this.#fail(spoolError(error));
      }
    });
  }

  /** Ends the writing without a result; `reason` is what a waiting append gets. What `end` has begun is not taken back. */
  async abort(reason?: SpoolError): Promise<void> {
    if (this.#phase === 'writing') {
      this.#phase = 'aborted';
      this.#failure = reason;
      this.#wake();
    }
    await this.#flush();
  }

  /** Gives up at once, for readers too, and resolves when no file is open any more. */
  async discard(reason: SpoolError): Promise<void> {
    this.#isDiscarded = true;
    this.#places.clear();
    this.#wake();
    await this.abort(reason);
    await this.#released.promise;
  }

  enter(): Place {
    const place = new Place();
    this.#places.add(place);
    return place;
  }

  leave(place: Place): void {
    this.#places.delete(place);
    this.#releaseIfIdle();
  }

  /** Reads chunk `seq`, which begins where the reader is, and moves it on. Valid until the next one is read. */
  async chunk(seq: number, place: Place): Promise<Uint8Array> {
    const data = await this.#while(() => place.take(this.#body.lengthOf(seq), this.#body));
    this.#readMost = Math.max(this.#readMost, place.position);
    this.#trim();
    this.#wake();
    return data;
  }

  /** Cuts the next chunk of all there is, up to a size, or several full ones. */
  cut(maxChunkBytes: number): Promise<void> {
    return this.#while(() => this.#body.cut(maxChunkBytes, (bytes) => this.#house.usage.add(this.name, bytes)));
  }

  #flush(): Promise<void> {
    return this.#while(() =>
      this.#body.flush(() => {
        if (this.#body.failure !== undefined) this.#fail(this.#body.failure);
        this.#trim();
        this.#wake();
      }),
    );
  }

  /** Until enough was read and written, nothing more is taken, or the signal fires. */
  async #untilRoom(signal: AbortSignal | undefined): Promise<void> {
    const wake = (): void => this.#wake();
    signal?.addEventListener('abort', wake, { once: true });
    while (this.#phase === 'writing' && this.#mustWait() && signal?.aborted !== true) await this.changed;
    signal?.removeEventListener('abort', wake);
  }

  #mustWait(): boolean {
    const unread = this.#body.size - this.#readMost;
    return (unread > 0 && unread >= this.#limits.maxBacklogBytes) || this.#body.unwritten > TAIL_BYTES;
  }

  #fail(error: SpoolError): SpoolError {
    if (this.#failure === undefined) this.#house.onTrouble(error);
    this.#failure ??= error;
    this.#phase = 'aborted';
    this.#wake();
    return error;
  }

  #trim(): void {
    const positions = [...this.#places].map(({ position }) => position);
    this.#body.trim(positions.length === 0 ? 0 : Math.min(...positions));
  }

  #assertWriting(): void {
    if (this.#phase !== 'writing') throw this.#failure ?? givenUp();
  }

  #wake(): void {
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers();
    resolve();
  }

  /** Holds the files open while work goes on. */
  async #while<Value>(work: () => Promise<Value>): Promise<Value> {
    this.#busy++;
    try {
      return await work();
    } finally {
      this.#busy--;
      this.#releaseIfIdle();
    }
  }

  #releaseIfIdle(): void {
    const isOver = this.outcome !== undefined;
    if (this.#isReleased || !isOver || this.#busy > 0 || this.#places.size > 0) return;
    this.#isReleased = true;
    this.#house.onRelease(this);
    this.#body.close().then(this.#released.resolve, (error: unknown) => {
      this.#house.onTrouble(spoolError(error));
      this.#released.resolve();
    });
  }
}
