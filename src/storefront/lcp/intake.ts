import type { Logger } from 'pino';
import type { Clock } from '../../clock/clock.ts';
import type { Engine } from '../../engine/engine.ts';
import { jobKey } from '../../job/job.ts';
import type { Job, JobKey } from '../../job/job.ts';
import type { NodeId } from '../../lightning/lightning.ts';
import type { Msat } from '../../money/msat.ts';
import { IDENTITY_ENCODING, JSON_CONTENT_TYPE } from '../../protocol/content-type.ts';
import { errorCode } from '../../protocol/error-code.ts';
import type { ErrorName } from '../../protocol/error-code.ts';
import type { Message, QuoteRequest, StreamBegin, StreamChunk, StreamEnd } from '../../protocol/messages.ts';
import { beginAssembly } from '../../protocol/stream-assembly.ts';
import type { AssembledStream } from '../../protocol/stream-assembly.ts';
import type { Session } from '../../session/session.ts';
import type { Offer } from '../offer.ts';
import { Drafts } from './draft.ts';
import type { Draft, DraftLimits } from './draft.ts';
import { makeJob, resultRoomBytes } from './new-job.ts';
import { RecentRefusals } from './recent-refusals.ts';
import { isSameRequest, modelOf, paramsHex, refuseRequest } from './request-check.ts';

export interface IntakeOptions {
  readonly session: Session;
  readonly engine: Engine;
  readonly offer: Offer;
  readonly clock: Clock;
  readonly log: Logger;
  /** Whether the spool could take this many answers of the largest size. */
  readonly hasRoomFor: (answers: number) => boolean;
  /** Paid jobs that wait for a slot. */
  readonly paidJobsWaiting: () => number;
  readonly limits: DraftLimits & {
    readonly maxInflightJobs: number;
    readonly queueLength: number;
    readonly maxInputBytes: number;
    readonly maxJobBytes: number;
  };
  readonly inputTimeoutMs: number;
  readonly quoteTtlS: number;
}

const REFUSALS_REMEMBERED = 4_096;

/** From messages to an accepted job: LCP v0.2 §5.2 and §5.5, v0.3 §5.1 and §6. Everything here is bounded and forgotten on a deadline. */
export class Intake {
  readonly #options: IntakeOptions;
  readonly #drafts: Drafts;
  readonly #refused = new RecentRefusals(REFUSALS_REMEMBERED);
  #isOpen = true;

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#drafts = new Drafts(options.limits);
  }

  /** Requests that are not jobs yet. */
  get size(): number {
    return this.#drafts.size;
  }

  /** No new quotes from now on. */
  close(): void {
    this.#isOpen = false;
  }

  message(peer: NodeId, message: Message): void {
    if (message.kind === 'quote-request') this.#request(peer, message);
    else if (message.kind === 'stream-begin' && message.streamKind === 'input') this.#begin(peer, message);
    else if (message.kind === 'stream-chunk') this.#chunk(peer, message);
    else if (message.kind === 'stream-end') this.#end(peer, message);
    else if (message.kind === 'cancel') this.#cancel(jobKey(peer, message.version, message.jobId));
  }

  peerOffline(peer: NodeId): void {
    for (const draft of this.#drafts.ofPeer(peer)) this.#drop(draft);
  }

  #request(peer: NodeId, request: QuoteRequest): void {
    const key = jobKey(peer, request.version, request.jobId);
    const earlier = this.#drafts.get(key);
    if (earlier !== undefined) {
      if (!isSameRequest(earlier.request, request))
        this.#refuse(earlier, 'payment-invalid', 'this job id is in use for another request');
      return;
    }
    this.#refused.delete(key);
    if (!this.#drafts.hasRoomFor(peer)) {
      this.#refused.add(key);
      this.#sendError(peer, request, 'rate-limited', 'too many unfinished requests; finish some first');
      return;
    }
    const draft: Draft = {
      key,
      peer,
      version: request.version,
      jobId: request.jobId,
      request,
      model: modelOf(request),
      state: 'awaiting',
      isCancelled: false,
      isNew: Promise.resolve(false),
      abort: new AbortController(),
      stopTimer: this.#options.clock.timer(this.#options.inputTimeoutMs, () => this.#drop(draft)),
    };
    this.#drafts.add(draft);
    draft.isNew = this.#compareWithJob(draft);
    this.#background(draft.isNew);
  }

  /** A job that exists answers for itself, whatever we would say to a new request. */
  async #compareWithJob(draft: Draft): Promise<boolean> {
    const { session, offer, engine } = this.#options;
    const manifest = session.manifestOf(draft.peer, draft.version);
    const refusal = refuseRequest(draft.request, { manifest, offer, busy: this.#busy(draft.peer) });
    const job = await engine.job(draft.key);
    if (job === undefined) {
      if (refusal !== undefined) this.#refuse(draft, refusal.name, refusal.message);
      return refusal === undefined;
    }
    const isSame = job.terms.taskKind === draft.request.taskKind && job.terms.paramsHex === paramsHex(draft.request);
    const isExpired = job.receivedMsat === undefined && this.#nowS() > job.terms.quoteExpiryS;
    if (isSame) {
      this.#absorb(draft);
      await engine.dispatch(draft.key, { kind: 'request-repeated' });
    } else if (isExpired) this.#refuse(draft, 'quote-expired', 'the quote of this job id has expired');
    else this.#refuse(draft, 'payment-invalid', 'this job id belongs to other terms');
    return false;
  }

  /** Why nothing new of this peer is taken now. Asked when a request comes, and again before it becomes a job. */
  #busy(peer: NodeId): string | undefined {
    const { engine, limits, paidJobsWaiting, hasRoomFor } = this.#options;
    const { paid, unpaid, unpaidOfPeer } = engine.count(peer);
    if (!this.#isOpen) return 'the provider takes nothing new now; try again in some minutes';
    if (paid >= limits.maxInflightJobs || paidJobsWaiting() >= limits.queueLength) return 'busy; try again soon';
    if (!hasRoomFor(paid + 1)) return 'no room for more answers at the moment; try again later';
    if (unpaidOfPeer >= limits.perPeer) return 'too many unpaid quotes; pay or cancel some first';
    return unpaid >= limits.total ? 'too many unpaid quotes at the moment; try again soon' : undefined;
  }

  #begin(peer: NodeId, begin: StreamBegin): void {
    const draft = this.#drafts.get(jobKey(peer, begin.version, begin.jobId));
    if (draft === undefined) {
      this.#background(this.#strayBegin(peer, begin));
      return;
    }
    if (draft.begin?.streamId === begin.streamId) return; // a duplicate
    if (draft.state !== 'awaiting') return this.#refuse(draft, 'invalid-state', 'a job has one input stream');
    const { totalBytes, sha256 } = begin;
    if (begin.version === 2 && (totalBytes === undefined || sha256 === undefined)) {
      return this.#refuse(draft, 'invalid-state', 'an input stream declares total_len and sha256');
    }
    if (begin.contentEncoding !== IDENTITY_ENCODING)
      return this.#refuse(draft, 'unsupported-encoding', 'content_encoding must be identity');
    if (begin.contentType !== JSON_CONTENT_TYPE)
      return this.#refuse(draft, 'unsupported-encoding', `content_type must be ${JSON_CONTENT_TYPE}`);
    const begun = beginAssembly({
      streamId: begin.streamId,
      maxBytes: BigInt(this.#options.limits.maxInputBytes),
      ...(totalBytes === undefined ? {} : { totalBytes }),
      ...(sha256 === undefined ? {} : { sha256 }),
    });
    if (!begun.ok)
      return this.#refuse(draft, begun.error, `an input may have ${this.#options.limits.maxInputBytes} bytes`);
    draft.begin = begin;
    draft.assembly = begun.assembly;
    draft.state = 'receiving';
  }

  /** A repeat of the stream that made a job is a duplicate; any other stream for that job, or for none, is a mistake. */
  async #strayBegin(peer: NodeId, begin: StreamBegin): Promise<void> {
    const key = jobKey(peer, begin.version, begin.jobId);
    const job = await this.#options.engine.job(key);
    if (job?.terms.inputStreamId === begin.streamId || this.#refused.has(key)) return;
    const why = job === undefined ? 'an input stream needs a request before it' : 'the input of this job was complete';
    this.#sendError(peer, begin, 'invalid-state', why);
  }

  #chunk(peer: NodeId, chunk: StreamChunk): void {
    const draft = this.#drafts.get(jobKey(peer, chunk.version, chunk.jobId));
    if (draft?.state !== 'receiving' || draft.assembly?.streamId !== chunk.streamId) return;
    if (!this.#drafts.reserve(chunk.data.length))
      return this.#refuse(draft, 'rate-limited', 'too much input at once; try again soon');
    const before = draft.assembly.receivedBytes;
    const taken = draft.assembly.chunk(chunk.seq, chunk.data);
    if (draft.assembly.receivedBytes === before) this.#drafts.release(chunk.data.length);
    if (!taken.ok && taken.error !== 'duplicate') this.#refuse(draft, taken.error, `input stream, chunk ${chunk.seq}`);
  }

  #end(peer: NodeId, end: StreamEnd): void {
    const draft = this.#drafts.get(jobKey(peer, end.version, end.jobId));
    if (draft === undefined) return;
    if (draft.state === 'awaiting') return this.#refuse(draft, 'invalid-state', 'stream_end without stream_begin');
    if (draft.state !== 'receiving' || draft.assembly?.streamId !== end.streamId) return;
    const ended = draft.assembly.end(end.totalBytes, end.sha256);
    draft.state = 'pricing';
    if (ended.ok) this.#background(this.#price(draft, ended));
    else this.#refuse(draft, ended.error, 'the input does not match its length and hash');
  }

  async #price(draft: Draft, input: AssembledStream): Promise<void> {
    try {
      const make = (await draft.isNew) ? await this.#appraise(draft, input) : undefined;
      if (make === undefined) return;
      const busy = this.#busy(draft.peer);
      if (busy !== undefined) return this.#refuse(draft, 'rate-limited', busy);
      draft.state = 'accepting';
      const job = await this.#options.engine.accept(draft.peer, input.data, make);
      if (draft.isCancelled) await this.#options.engine.dispatch(job.key, { kind: 'cancel-requested' });
      this.#drop(draft);
    } catch (error) {
      if (draft.abort.signal.aborted) return;
      this.#options.log.error(
        { peer: draft.peer, job_id: draft.jobId, reason: String(error) },
        'a request could not be accepted',
      );
      this.#refuse(draft, 'rate-limited', 'the provider cannot take this request now; try again later');
    }
  }

  /** How the job is made of the buyer's credit; undefined: it was refused, or given up meanwhile. */
  async #appraise(draft: Draft, input: AssembledStream): Promise<((creditMsat: Msat) => Job) | undefined> {
    const { offer, session, clock, limits, quoteTtlS } = this.#options;
    const { begin, abort, peer, version, model } = draft;
    const kind = offer.taskKinds.find((name) => name === draft.request.taskKind);
    const manifest = session.manifestOf(peer, version);
    if (kind === undefined || manifest === undefined || begin === undefined) return undefined;
    const priced = await offer.price(kind, model, input.data, abort.signal);
    if (abort.signal.aborted) return undefined;
    if ('refusal' in priced) {
      this.#refuse(draft, priced.refusal, priced.message);
      return undefined;
    }
    const maxResultBytes = resultRoomBytes(manifest, input.data.length, limits.maxJobBytes);
    if (maxResultBytes > 0) {
      const parts = { draft, begin, kind, input, priced, manifest, maxResultBytes, quoteTtlS };
      return (creditMsat) => makeJob({ ...parts, creditMsat, nowMs: clock.nowMs() });
    }
    this.#refuse(draft, 'payload-too-large', 'no answer fits beside this input into the bytes that a job may have');
    return undefined;
  }

  #cancel(key: JobKey): void {
    const draft = this.#drafts.get(key);
    if (draft === undefined) {
      this.#background(this.#options.engine.dispatch(key, { kind: 'cancel-requested' }));
      return;
    }
    draft.isCancelled = true;
    if (draft.state !== 'accepting') this.#background(this.#cancelDraft(draft)); // else the job is told once it is saved
  }

  /** The request may be a repeat: then the cancel is for the job, and the job answers. */
  async #cancelDraft(draft: Draft): Promise<void> {
    const { engine, session } = this.#options;
    const { peer, version, jobId, key } = draft;
    this.#drop(draft);
    const job = await engine.dispatch(key, { kind: 'cancel-requested' });
    if (job === undefined) await session.send(peer, { kind: 'result', version, jobId, status: 'cancelled' });
  }

  #refuse(draft: Draft, name: ErrorName, message: string): void {
    if (this.#drafts.get(draft.key) !== draft) return; // answered already
    this.#sendError(draft.peer, draft.request, name, message);
    this.#absorb(draft);
  }

  /**
   * Forgets it, but for the key: what is still on the way for it is swallowed, since an error is terminal for its job at the buyer and a second one
   * would only be noise. Costs no place.
   */
  #absorb(draft: Draft): void {
    this.#refused.add(draft.key);
    this.#drop(draft);
  }

  #drop(draft: Draft): void {
    this.#freeInput(draft);
    draft.abort.abort();
    this.#drafts.remove(draft);
  }

  #freeInput(draft: Draft): void {
    if (draft.assembly === undefined) return;
    this.#drafts.release(Number(draft.assembly.receivedBytes));
    delete draft.assembly;
  }

  #sendError(peer: NodeId, about: { version: 2 | 3; jobId: string }, name: ErrorName, message: string): void {
    const { version, jobId } = about;
    this.#options.log.info({ peer, version, job_id: jobId, error: name, reason: message }, 'request refused');
    this.#background(
      this.#options.session.send(peer, { kind: 'error', version, jobId, code: errorCode(version, name), message }),
    );
  }

  #nowS(): number {
    return Math.floor(this.#options.clock.nowMs() / 1000);
  }

  #background(work: Promise<unknown>): void {
    work.catch((error: unknown) => this.#options.log.warn({ reason: String(error) }, 'a message could not be handled'));
  }
}
