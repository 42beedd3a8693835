/** Room in the spool for an answer of at most so many bytes, with where its chunks were cut (4 bytes for each, and an event has 64 at least) and its end. */
export const spoolBytesFor = (answerBytes: number): number => answerBytes + Math.ceil(answerBytes / 16) + 4096;

/** Room on disk for a job that is accepted: its input, which the ledger keeps for it, and its answer. */
export const roomBytesFor = (inputBytes: number, answerBytes: number): number =>
  inputBytes + spoolBytesFor(answerBytes);

/**
 * Where output waits between backend and buyer. One spool per job; append-only, on disk, so that a slow buyer holds neither memory nor a
 * backend slot, and a finished answer survives a crash. Chunk boundaries are fixed when a chunk is first cut, so that a buyer that
 * comes back sees the same stream again.
 */
export interface Spool {
  /** Opens the spool of a job for writing, empty: what an earlier attempt left is removed. `maxBacklogBytes`: see SpoolWriter.append. */
  create(jobKey: string, limits: { maxBytes: number; maxBacklogBytes: number }): Promise<SpoolWriter>;
  /** Opens a spool for reading while or after it is written. Undefined when there is none. */
  read(jobKey: string, options: { maxChunkBytes: number }): Promise<SpoolReader | undefined>;
  /** What `end` recorded, also after a restart, and durable by now; undefined when the writer never ended. */
  finished(
    jobKey: string,
  ): Promise<{ readonly bytes: number; readonly sha256: string; readonly note: string } | undefined>;
  /** Removes a spool and its chunk boundaries. Repeatable. */
  remove(jobKey: string): Promise<void>;
  /** Bytes on disk now, all jobs together. */
  usedBytes(): number;
  close(): Promise<void>;
}

export interface SpoolWriter {
  /** Takes bytes (the buffer is not kept). Resolves at once while less than `maxBacklogBytes` were not read by any reader; else when they were, or the signal fired: the bytes are taken all the same. Rejects with SpoolError. */
  append(bytes: Uint8Array, signal?: AbortSignal): Promise<void>;
  /** Makes all of it durable, together with `note` (a short text of the caller's); resolves with the size and the SHA-256 (hex) of everything appended. No append may follow. */
  end(note: string): Promise<{ bytes: number; sha256: string }>;
  /** Gives up: readers get `aborted`; what was written stays readable until then. Repeatable. */
  abort(): Promise<void>;
}

/** A chunk, or why there is none: `end` = everything was read and the writer ended; `aborted` = the writer gave up (or a crash did). */
export type SpoolRead =
  | { readonly kind: 'chunk'; readonly seq: number; readonly data: Uint8Array }
  | { readonly kind: 'end' }
  | { readonly kind: 'aborted' };

export interface SpoolReader {
  /**
   * The next chunk, waiting for the writer when there is none yet. Chunks that were cut before (by this or an earlier reader, also before a
   * crash) come with the same boundaries and numbers; then everything there is now, up to `maxChunkBytes`, is cut as the next chunk.
   * Bytes that were just appended are handed over from memory, without waiting for the disk. The memory of `data` is used again at the
   * next call of `next` or `readAhead`.
   */
  next(signal: AbortSignal): Promise<SpoolRead>;
  /** Cuts and loads the next chunk already now, if a full one is there, while the one before, which was encoded, is being sent; `next` hands it over. */
  readAhead(signal: AbortSignal): void;
  close(): Promise<void>;
}

export class SpoolError extends Error {
  readonly code: 'too-large' | 'disk-full' | 'failed';
  constructor(code: SpoolError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SpoolError';
    this.code = code;
  }
}
