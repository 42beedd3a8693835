import { createHash } from 'node:crypto';
import type { Hex32 } from './hex.ts';

/** What ends a stream badly; each is also the name of the error that the peer gets. */
export type AssemblyFailure = 'payload-too-large' | 'chunk-out-of-order' | 'checksum-mismatch';

export interface AssemblyOptions {
  readonly streamId: Hex32;
  /** What stream_begin declared; a result may leave both out. */
  readonly totalBytes?: bigint;
  readonly sha256?: Hex32;
  /** Our limit: the smaller of max_stream_bytes and what max_job_bytes leaves for this stream. */
  readonly maxBytes: bigint;
  /** False to check a stream that is passed on as it comes: no byte is kept, and `data` at its end is empty. */
  readonly keepBytes?: boolean;
}

export interface AssembledStream {
  readonly data: Uint8Array;
  readonly totalBytes: bigint;
  readonly sha256: Hex32;
}

export type Begun = { readonly ok: true; readonly assembly: StreamAssembly } | Failed;
/** `duplicate`: a chunk that has been here already; ignore it, the stream goes on. */
export type ChunkTaken = { readonly ok: true } | Failed | { readonly ok: false; readonly error: 'duplicate' };
export type Ended = ({ readonly ok: true } & AssembledStream) | Failed;
type Failed = { readonly ok: false; readonly error: AssemblyFailure };

/** An incoming stream between its begin and its end: LCP v0.2 §5.5, v0.3 §6. After a failure each call repeats it. */
export interface StreamAssembly {
  readonly streamId: Hex32;
  readonly receivedBytes: bigint;
  chunk(seq: number, data: Uint8Array): ChunkTaken;
  end(totalBytes: bigint, sha256: Hex32): Ended;
}

/** Starts an assembly; fails when the peer declares more than the limit. */
export function beginAssembly(options: AssemblyOptions): Begun {
  if (options.totalBytes !== undefined && options.totalBytes > options.maxBytes) return failed('payload-too-large');
  return { ok: true, assembly: new BufferedAssembly(options) };
}

function failed(error: AssemblyFailure): Failed {
  return { ok: false, error };
}

/**
 * Memory follows what has arrived, never what was declared: a begin that claims 4 GiB costs nothing. The buffer
 * doubles and each chunk is copied into it, so neither a million one-byte chunks nor the network buffers they are
 * views of cost more than a constant factor.
 */
class BufferedAssembly implements StreamAssembly {
  readonly #options: AssemblyOptions;
  /** No more may arrive: what was declared, or else our limit. */
  readonly #ceiling: number;
  readonly #hash = createHash('sha256');
  #buffer = new Uint8Array();
  #length = 0;
  #expectedSeq = 0;
  #failure: Failed | undefined;

  constructor(options: AssemblyOptions) {
    this.#options = options;
    this.#ceiling = Number(options.totalBytes ?? options.maxBytes);
  }

  get streamId(): Hex32 {
    return this.#options.streamId;
  }

  get receivedBytes(): bigint {
    return BigInt(this.#length);
  }

  chunk(seq: number, data: Uint8Array): ChunkTaken {
    if (this.#failure !== undefined) return this.#failure;
    if (seq < this.#expectedSeq) return { ok: false, error: 'duplicate' };
    if (seq > this.#expectedSeq) return this.#fail('chunk-out-of-order');
    if (data.length > this.#ceiling - this.#length) return this.#fail('payload-too-large');
    this.#expectedSeq++;
    this.#hash.update(data);
    if (this.#options.keepBytes !== false) this.#append(data);
    this.#length += data.length;
    return { ok: true };
  }

  end(totalBytes: bigint, sha256: Hex32): Ended {
    if (this.#failure !== undefined) return this.#failure;
    const declared = this.#options;
    const actual = { totalBytes: this.receivedBytes, sha256: this.#hash.copy().digest('hex') };
    const matches =
      totalBytes === actual.totalBytes &&
      sha256 === actual.sha256 &&
      totalBytes === (declared.totalBytes ?? totalBytes) &&
      sha256 === (declared.sha256 ?? sha256);
    if (!matches) return this.#fail('checksum-mismatch');
    return { ok: true, data: this.#buffer.subarray(0, this.#length), ...actual };
  }

  #append(data: Uint8Array): void {
    const needed = this.#length + data.length;
    if (needed > this.#buffer.length) {
      const grown = new Uint8Array(Math.min(Math.max(needed, 2 * this.#buffer.length), this.#ceiling));
      grown.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = grown;
    }
    this.#buffer.set(data, this.#length);
  }

  #fail(error: AssemblyFailure): Failed {
    this.#buffer = new Uint8Array();
    this.#failure = failed(error);
    return this.#failure;
  }
}
