import { jobKey } from '../../job/job.ts';
import type { Job, JobKey } from '../../job/job.ts';
import type { NodeId } from '../../lightning/lightning.ts';
import type { Message, QuoteRequest } from '../../protocol/messages.ts';
import type { Declined } from '../admission/declined.ts';
import type { Refused } from '../offer.ts';
import { Acceptance } from './acceptance.ts';
import type { AcceptanceOptions } from './acceptance.ts';
import { Drafts } from './drafts.ts';
import type { Draft } from './drafts.ts';
import { InputStreams } from './input-streams.ts';
import type { InputStreamsOptions } from './input-streams.ts';
import { Refusals } from './refusals.ts';
import { isSameRequest, modelOf, paramsHex, refuseRequest } from './request-check.ts';

export interface IntakeOptions extends Omit<AcceptanceOptions, 'drafts'> {
  readonly maxInputBytes: number;
  readonly inputTimeoutMs: number;
}

/** From messages to an accepted job: LCP v0.2 §5.2 and §5.5, v0.3 §5.1 and §6. Everything here is bounded and forgotten on a deadline. */
export class Intake {
  readonly #options: IntakeOptions;
  readonly #refusals: Refusals;
  readonly #drafts: Drafts;
  readonly #streams: InputStreams;

  constructor(options: IntakeOptions) {
    this.#options = options;
    const refusals = (this.#refusals = new Refusals(options));
    const drafts = (this.#drafts = new Drafts(options.admission, refusals));
    const acceptance = new Acceptance({ ...options, drafts });
    const onInput: InputStreamsOptions['onInput'] = (draft, input) => this.#background(acceptance.take(draft, input));
    this.#streams = new InputStreams({ ...options, drafts, refusals, onInput });
  }

  /** Requests that are not jobs yet. */
  get size(): number {
    return this.#drafts.size;
  }

  /** False: the message means nothing here, or came too often. */
  message(peer: NodeId, message: Message): boolean {
    switch (message.kind) {
      case 'quote-request':
        return this.#request(peer, message);
      case 'stream-begin':
        return message.streamKind === 'input' && this.#streams.begin(peer, message);
      case 'stream-chunk':
        return this.#streams.chunk(peer, message);
      case 'stream-end':
        return this.#streams.end(peer, message);
      case 'cancel':
        return this.#cancel(jobKey(peer, message.version, message.jobId));
      default:
        return false;
    }
  }

  peerOffline(peer: NodeId): void {
    for (const draft of this.#drafts.ofPeer(peer)) this.#drafts.drop(draft);
  }

  #request(peer: NodeId, request: QuoteRequest): boolean {
    const { admission, clock, inputTimeoutMs } = this.#options;
    const key = jobKey(peer, request.version, request.jobId);
    const earlier = this.#drafts.get(key);
    if (earlier !== undefined) {
      if (!isSameRequest(earlier.request, request))
        this.#drafts.refuse(earlier, 'payment-invalid', 'this job id is in use for another request');
      return false;
    }
    const declined = admission.admit(peer, { kind: 'request' });
    if (declined !== undefined) {
      this.#background(this.#turnAway(peer, request, key, declined));
      return false;
    }
    this.#refusals.forget(key);
    const draft: Draft = {
      key,
      peer,
      holder: admission.holder(peer),
      version: request.version,
      jobId: request.jobId,
      request,
      model: modelOf(request),
      state: 'awaiting',
      chunks: 0,
      isCancelled: false,
      isNew: Promise.resolve(false),
      abort: new AbortController(),
      stopTimer: clock.timer(inputTimeoutMs, () => this.#drafts.drop(draft)),
    };
    this.#drafts.add(draft);
    draft.isNew = this.#compareWithJob(draft);
    this.#background(draft.isNew);
    return true;
  }

  /** There is no room for it as a new request; a job that exists answers for itself all the same. */
  async #turnAway(peer: NodeId, request: QuoteRequest, key: JobKey, declined: Declined): Promise<void> {
    const { admission, engine } = this.#options;
    this.#refusals.remember(key);
    if (!engine.isLive(key) && admission.admit(peer, { kind: 'stray' }) !== undefined) return; // silence costs nothing
    const job = await engine.job(key);
    const error = job === undefined ? declined : await this.#answerFor(job, request);
    if (error !== undefined) this.#refusals.send(peer, request, error.refusal, error.message);
  }

  /** Resolves with whether it is a new request that nothing speaks against. */
  async #compareWithJob(draft: Draft): Promise<boolean> {
    const { session, offer, engine, admission } = this.#options;
    const { peer, key, model, request, version } = draft;
    const declined = () => admission.admit(peer, { kind: 'quote', model });
    const refusal = refuseRequest(request, { manifest: session.manifestOf(peer, version), offer, declined });
    const job = await engine.job(key);
    if (job === undefined && refusal === undefined) return true;
    const error = job === undefined ? refusal : await this.#answerFor(job, request);
    if (error === undefined) this.#drafts.absorb(draft);
    else this.#drafts.refuse(draft, error.refusal, error.message);
    return false;
  }

  /** A job that exists answers for itself, whatever we would say to a new request; but not too often: then silence, as an error would end it at the buyer. */
  async #answerFor(job: Job, request: QuoteRequest): Promise<Refused | undefined> {
    const { admission, engine } = this.#options;
    const { peer, key, terms, receivedMsat } = job;
    if (terms.taskKind === request.taskKind && terms.paramsHex === paramsHex(request)) {
      if (admission.admit(peer, { kind: 'repeat', job: key }) === undefined)
        await engine.dispatch(key, { kind: 'request-repeated' });
      return undefined;
    }
    return receivedMsat === undefined && this.#nowS() > terms.quoteExpiryS
      ? { refusal: 'quote-expired', message: 'the quote of this job id has expired' }
      : { refusal: 'payment-invalid', message: 'this job id belongs to other terms' };
  }

  #cancel(key: JobKey): boolean {
    const draft = this.#drafts.get(key);
    if (draft === undefined) {
      const { engine } = this.#options;
      if (!engine.isLive(key)) return false; // nothing is left to cancel
      this.#background(engine.dispatch(key, { kind: 'cancel-requested' }));
      return true;
    }
    draft.isCancelled = true;
    if (draft.state !== 'accepting') this.#background(this.#cancelDraft(draft)); // else the job is told once it is saved
    return true;
  }

  /** The request may be a repeat: then the cancel is for the job, and the job answers. */
  async #cancelDraft(draft: Draft): Promise<void> {
    const { engine, session } = this.#options;
    const { peer, version, jobId, key } = draft;
    this.#drafts.drop(draft);
    const job = await engine.dispatch(key, { kind: 'cancel-requested' });
    if (job === undefined) await session.send(peer, { kind: 'result', version, jobId, status: 'cancelled' });
  }

  #nowS(): number {
    return Math.floor(this.#options.clock.nowMs() / 1000);
  }

  #background(work: Promise<unknown>): void {
    work.catch((error: unknown) => this.#options.log.warn({ reason: String(error) }, 'a message could not be handled'));
  }
}
