import type { Logger } from 'pino';
import type { Clock } from '../../clock/clock.ts';
import { Patience } from '../../clock/patience.ts';
import type { Engine } from '../../engine/engine.ts';
import type { OutputBegun } from '../../engine/storefront.ts';
import type { Job, JobKey } from '../../job/job.ts';
import type { NodeId } from '../../lightning/lightning.ts';
import { brokenStreamEvent } from '../../openai/answer.ts';
import { MAX_CHUNK_OVERHEAD_BYTES } from '../../protocol/codec.ts';
import { IDENTITY_ENCODING } from '../../protocol/content-type.ts';
import type { Session } from '../../session/session.ts';
import { SpoolError } from '../../spool/spool.ts';
import type { Spool } from '../../spool/spool.ts';

export interface DeliveryOptions {
  readonly session: Session;
  readonly engine: Engine;
  readonly spool: Spool;
  readonly clock: Clock;
  readonly log: Logger;
  /** What our node sends at most in one message. */
  readonly maxMessageBytes: number;
}

interface Begun {
  readonly peer: NodeId;
  readonly sending: Promise<void>;
}

/**
 * From the spool to the wire: LCP v0.2 §5.4 and §5.5, v0.3 §5.3 and §6. One send in flight per stream keeps the order; while it is in flight
 * new bytes gather into the next chunk. Bytes never wait for the ledger.
 */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #active = new Map<JobKey, AbortController>();
  /** Streams that were begun ahead of their delivery. */
  readonly #begun = new Map<JobKey, Begun>();
  /** Of deliveries that failed although the peer seems to be on line: they are tried again. */
  readonly #patience = new Map<JobKey, Patience>();

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  /** Sends the stream_begin of a job whose delivery follows as soon as it is saved that output began; that goes on from there. */
  begin(job: Job, output: OutputBegun): void {
    const sending = this.#sendBegin(job, output);
    sending.catch(() => {}); // the delivery hears of it
    this.#begun.set(job.key, { peer: job.peer, sending });
  }

  /** What was begun on a connection that is gone has to be begun again. */
  peerOffline(peer: NodeId): void {
    for (const [key, begun] of this.#begun) if (begun.peer === peer) this.#begun.delete(key);
  }

  /** Starts the delivery of a job, or lets the one under way go on. */
  deliver(job: Job): void {
    if (job.delivery !== 'sending' || this.#active.has(job.key)) return;
    const abort = new AbortController();
    this.#active.set(job.key, abort);
    void this.#attempt(job, abort).then(async (event) => {
      if (this.#active.get(job.key) === abort) this.#active.delete(job.key);
      if (event !== undefined) await this.#tell(job, event);
    });
  }

  stop(job: Job): void {
    this.#active.get(job.key)?.abort();
    this.#active.delete(job.key);
    this.#begun.delete(job.key);
  }

  close(): void {
    for (const abort of this.#active.values()) abort.abort();
    this.#active.clear();
    this.#begun.clear();
    this.#patience.clear();
  }

  async #attempt(job: Job, abort: AbortController): Promise<'stream-sent' | 'peer-lost' | undefined> {
    const begun = this.#begun.get(job.key)?.sending;
    this.#begun.delete(job.key);
    try {
      const isWhole = await this.#sendStream(job, begun, abort.signal);
      const final = await this.#options.engine.whenRunFinal(job.key, abort.signal);
      if (final === undefined || abort.signal.aborted) return undefined;
      await this.#sendResult(final, isWhole);
      return abort.signal.aborted ? undefined : 'stream-sent';
    } catch (error) {
      if (abort.signal.aborted) return undefined;
      this.#logFailure(job, error);
      return 'peer-lost';
    }
  }

  /** True when the stream was sent to its end. `begun`: its stream_begin, when that is sent already. */
  async #sendStream(job: Job, begun: Promise<void> | undefined, signal: AbortSignal): Promise<boolean> {
    const { session, spool, maxMessageBytes, engine } = this.#options;
    const { peer, version, jobId, streamId, contentType = '' } = job;
    const maxChunkBytes = Math.min(job.limits.maxPayloadBytes, maxMessageBytes) - MAX_CHUNK_OVERHEAD_BYTES;
    const reader = streamId === undefined ? undefined : await spool.read(job.key, { maxChunkBytes });
    if (streamId === undefined || reader === undefined) {
      await begun; // what follows must not overtake it
      return false;
    }
    try {
      reader.readAhead(signal); // the first chunk is cut meanwhile
      await (begun ?? this.#sendBegin(job, { streamId, contentType }));
      let [seq, sentBytes] = [0, 0];
      for (;;) {
        const read = await reader.next(signal);
        if (signal.aborted) return false;
        if (read.kind === 'aborted') {
          await this.#sendBroken(job, streamId, { seq, sentBytes }, signal);
          return false;
        }
        if (read.kind === 'end') break;
        seq = read.seq + 1;
        const { data } = read;
        sentBytes += data.length;
        const sending = session.send(peer, { kind: 'stream-chunk', version, jobId, streamId, seq: read.seq, data });
        reader.readAhead(signal); // which may use the memory of `data` again: it is encoded by now
        await sending;
      }
      const final = await engine.whenRunFinal(job.key, signal);
      if (final?.output === undefined) return false;
      const { bytes, sha256 } = final.output;
      await session.send(peer, { kind: 'stream-end', version, jobId, streamId, totalBytes: BigInt(bytes), sha256 });
      return true;
    } finally {
      await reader.close();
    }
  }

  #sendBegin({ peer, version, jobId }: Job, output: OutputBegun): Promise<void> {
    const stream = { ...output, streamKind: 'result', contentEncoding: IDENTITY_ENCODING } as const;
    return this.#options.session.send(peer, { kind: 'stream-begin', version, jobId, ...stream });
  }

  /**
   * A stream that a crash cut off ends with an event that the client sees, if the buyer takes that much; its number follows what was cut, so it is
   * the same each time.
   */
  async #sendBroken(
    job: Job,
    streamId: string,
    { seq, sentBytes }: { seq: number; sentBytes: number },
    signal: AbortSignal,
  ): Promise<void> {
    const { engine, session } = this.#options;
    const { peer, version, jobId, work, terms } = job;
    const final = await engine.whenRunFinal(job.key, signal);
    if (final?.run !== 'failed' || !work.stream) return;
    const data = brokenStreamEvent(terms.taskKind, final.failure ?? 'the answer broke off');
    if (sentBytes + data.length > job.limits.maxResultBytes) return;
    await session.send(peer, { kind: 'stream-chunk', version, jobId, streamId, seq, data });
  }

  async #sendResult(job: Job, isWhole: boolean): Promise<void> {
    const { peer, version, jobId, output } = job;
    const stream =
      output === undefined || !isWhole
        ? undefined
        : {
            streamId: output.streamId,
            sha256: output.sha256,
            totalBytes: BigInt(output.bytes),
            contentType: output.contentType,
            contentEncoding: IDENTITY_ENCODING,
          };
    const send = (message: Parameters<Session['send']>[1]) => this.#options.session.send(peer, message);
    if (job.run === 'ended' && !job.cancelled && stream !== undefined)
      return send({ kind: 'result', version, jobId, status: 'ok', stream });
    const status = job.cancelled && job.run === 'ended' ? 'cancelled' : 'failed';
    const message =
      status === 'cancelled' ? 'cancelled by the requester' : (job.failure ?? 'the answer is not available any more');
    // v0.2 forbids stream fields in a failed result (§5.4); v0.3 wants them when a stream was delivered (§5.3).
    await send({
      kind: 'result',
      version,
      jobId,
      status,
      message,
      ...(version === 3 && stream !== undefined ? { stream } : {}),
    });
  }

  async #tell(job: Job, kind: 'stream-sent' | 'peer-lost'): Promise<void> {
    const { engine, log } = this.#options;
    try {
      await engine.dispatch(job.key, { kind });
    } catch (error) {
      log.error({ job: job.key, reason: String(error) }, 'a delivery could not be recorded');
    }
    if (kind === 'peer-lost') await this.#tryAgain(job);
    else this.#patience.delete(job.key);
  }

  async #tryAgain({ key, peer }: Job): Promise<void> {
    const { engine, session, clock, log } = this.#options;
    const patience = this.#patience.get(key) ?? new Patience(clock);
    if (patience.isWaiting) return;
    this.#patience.set(key, patience);
    await patience.wait();
    try {
      const job = session.isOnline(peer) ? await engine.dispatch(key, { kind: 'peer-returned' }) : undefined;
      if (job?.delivery !== 'sending') this.#patience.delete(key);
    } catch (error) {
      log.error({ job: key, reason: String(error) }, 'delivery not resumed');
    }
  }

  /** Once, however often it is tried again. */
  #logFailure({ key }: Job, error: unknown): void {
    if (this.#patience.has(key)) return;
    const about = { job: key, reason: String(error) };
    if (error instanceof SpoolError)
      this.#options.log.error(
        about,
        'an answer cannot be read from the disk: look after it; the delivery is tried again until the retention is over',
      );
    else this.#options.log.info(about, 'delivery paused');
  }
}
