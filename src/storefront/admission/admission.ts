import { TokenBuckets } from '../../clock/token-bucket.ts';
import type { Clock } from '../../clock/clock.ts';
import { backendModelOf, isInvoiceOpen, isRunFinal } from '../../job/job.ts';
import type { Job, JobKey } from '../../job/job.ts';
import type { NodeId } from '../../lightning/lightning.ts';
import { Capacity } from './capacity.ts';
import type { CapacityLimits, CapacityOptions } from './capacity.ts';
import { decline, declineFor } from './declined.ts';
import type { Declined } from './declined.ts';
import { Holdings, SharedRate, share } from './share.ts';
import type { Holder } from './share.ts';

export interface AdmissionLimits extends CapacityLimits {
  readonly requestsPerMinute: number;
  readonly requestsPerMinutePerPeer: number;
  readonly countingSecondsPerMinute: number;
  readonly countingSecondsPerMinutePerPeer: number;
  readonly modelLoadsPerMinute: number;
  readonly modelLoadsPerMinutePerPeer: number;
  readonly openInputs: number;
  readonly openInputsPerPeer: number;
  readonly inputMemoryBytes: number;
  readonly inputMemoryBytesPerPeer: number;
}

export interface AdmissionOptions extends CapacityOptions {
  readonly clock: Clock;
  readonly limits: AdmissionLimits;
}

/** What a peer wants now. */
export type Wish =
  /** That a request of its is looked at. */
  | { readonly kind: 'request' }
  /** A quote; the job takes at most so much room (absent: not known yet, and no matter). */
  | { readonly kind: 'quote'; readonly model: string; readonly roomBytes?: number }
  /** That tokens are counted for it: what that may take has to be there. */
  | { readonly kind: 'counting' }
  /** That a model is loaded for it. */
  | { readonly kind: 'load'; readonly model: string }
  /** What a job of its had already: quote or answer. */
  | { readonly kind: 'repeat'; readonly job: JobKey }
  /** That the ledger is asked about a message that most likely means nothing, and an error goes out. */
  | { readonly kind: 'stray' };

/** What one request may get again, by the minute: a stored answer may be large. */
const REPEATS_OF_JOB = { perMinute: 4, burst: 6 };
const REPEATS_OF_PEER = { perMinute: 60 };
const STRAYS = { total: 3_000, perPeer: 600 };
/** What is set aside for one count, and the most that is booked: counting is given up then, and what is longer was waiting, or a clock that jumped. */
const LONGEST_COUNT_MS = 1_500;

const CLOSED = 'the provider takes nothing new now; try again in some minutes';
const NOT_SERVED = 'nothing is for sale here to peers that the operator has not chosen';

/**
 * Who may use how much before money has come: per peer and in all, and of each limit a part is kept for peers that are no strangers. What could
 * not be served in time is declined before it is priced. What a paid quote had cost is given back: who pays is not limited by what it asked.
 */
export class Admission {
  /** Input streams that are open, and the bytes they hold. */
  readonly inputs: Holdings;
  readonly inputBytes: Holdings;
  readonly #options: AdmissionOptions;
  readonly #capacity: Capacity;
  readonly #requests: SharedRate;
  readonly #countingMs: SharedRate;
  readonly #loads: SharedRate;
  readonly #repeatsOfJob = new TokenBuckets(REPEATS_OF_JOB);
  readonly #repeatsOfPeer = new TokenBuckets(REPEATS_OF_PEER);
  readonly #strays: SharedRate;
  /** What quotes cost that can still be paid. */
  readonly #spent = new Map<JobKey, { readonly holder: Holder; readonly countingMs: number }>();
  /** On whose account each model was loaded last. */
  readonly #loadedFor = new Map<string, Holder>();
  #isOpen = true;

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.#capacity = new Capacity(options);
    const { limits, clock } = options;
    const shareOf = (total: number, perPeer: number) => share(total, perPeer, limits.keptForTrustedPercent);
    const countingMs = shareOf(limits.countingSecondsPerMinute * 1000, limits.countingSecondsPerMinutePerPeer * 1000);
    this.inputs = new Holdings(shareOf(limits.openInputs, limits.openInputsPerPeer));
    this.inputBytes = new Holdings(shareOf(limits.inputMemoryBytes, limits.inputMemoryBytesPerPeer));
    this.#requests = new SharedRate(shareOf(limits.requestsPerMinute, limits.requestsPerMinutePerPeer), clock.nowMs());
    this.#countingMs = new SharedRate(countingMs, clock.nowMs());
    const loads = shareOf(limits.modelLoadsPerMinute, limits.modelLoadsPerMinutePerPeer);
    this.#loads = new SharedRate(loads, clock.nowMs());
    this.#strays = new SharedRate(shareOf(STRAYS.total, STRAYS.perPeer), clock.nowMs());
  }

  /** No new quotes from now on. */
  close(): void {
    this.#isOpen = false;
  }

  /** Whose account it is from now until it is given back, whatever the peer becomes meanwhile. */
  holder(peer: NodeId): Holder {
    return { peer, isTrusted: this.#options.peers.isTrusted(peer) };
  }

  /** Undefined: nothing speaks against it; what goes by the minute is counted with that. */
  admit(peer: NodeId, wish: Wish): Declined | undefined {
    const holder = this.holder(peer);
    switch (wish.kind) {
      case 'request':
        return this.#admitRequest(holder);
      case 'quote':
        if (!this.#options.peers.isServed(peer)) return { refusal: 'unsupported-task', message: NOT_SERVED };
        return this.#isOpen ? this.#capacity.decline(holder, wish.model, wish.roomBytes) : decline(CLOSED);
      case 'counting': {
        const waitMs = this.#countingMs.waitMs(holder, LONGEST_COUNT_MS, this.#nowMs());
        return waitMs > 0 ? declineFor(waitMs, 'too many long requests that were not paid') : undefined;
      }
      case 'load': {
        const declined = this.#useUp(this.#loads, holder, 'too many models to load');
        if (declined === undefined) this.#loadedFor.set(wish.model, holder);
        return declined;
      }
      case 'repeat': {
        const [ofJob, ofPeer] = [this.#repeatsOfJob, this.#repeatsOfPeer];
        const isOften = !ofJob.tryOne(wish.job, this.#nowMs()) || !ofPeer.tryOne(peer, this.#nowMs());
        return isOften ? decline('repeated too often') : undefined;
      }
      case 'stray':
        return this.#useUp(this.#strays, holder, 'too many messages that mean nothing');
    }
  }

  isSpoolShort(peer: NodeId, roomBytes: number): boolean {
    return this.#capacity.isSpoolShort(peer, roomBytes);
  }

  /** Takes what one count may cost, before it begins: those that are counted at once can not use more than there is. `counted` is owed then. */
  reserveCount(peer: NodeId): Holder {
    const holder = this.holder(peer);
    this.#countingMs.take(holder, LONGEST_COUNT_MS, this.#nowMs());
    return holder;
  }

  /** Gives back what a count did not take of its reservation: by wall time, since it is one peer's turn at a time. Returns what stays booked. */
  counted(holder: Holder, tookMs: number): number {
    const countingMs = Math.min(Math.max(0, tookMs), LONGEST_COUNT_MS);
    this.#countingMs.giveBack(holder, LONGEST_COUNT_MS - countingMs);
    return countingMs;
  }

  /** A quote goes out: what it cost is given back once it is paid. */
  quoted(peer: NodeId, job: JobKey, countingMs: number): void {
    this.#spent.set(job, { holder: this.holder(peer), countingMs });
  }

  /** To be told of every change of a job. */
  jobChanged(before: Job, after: Job): void {
    if (before.receivedMsat === undefined && after.receivedMsat !== undefined) this.#paid(after);
    if (!isInvoiceOpen(after)) this.#spent.delete(after.key);
    if (!isRunFinal(after) || isRunFinal(before)) return;
    this.#capacity.runEnded(after);
    if (after.cancelled && after.receivedMsat === undefined) this.#workedForNothing(after);
  }

  /** To be told, at the start, of jobs of earlier days, the oldest first. */
  remember(jobs: Iterable<Job>): void {
    for (const job of jobs) {
      if (job.receivedMsat !== undefined) this.#options.peers.paid(job.peer);
      if (isRunFinal(job)) this.#capacity.runEnded(job);
    }
  }

  /** A payment that was only held went back to a buyer that cancelled: the work was a gift, as counting is. */
  #workedForNothing({ peer, startedAtMs, endedAtMs }: Job): void {
    if (startedAtMs === undefined || endedAtMs === undefined) return;
    this.#countingMs.takeFromPeer(peer, Math.max(0, endedAtMs - startedAtMs), this.#nowMs());
  }

  #paid({ peer, key, work }: Job): void {
    this.#options.peers.paid(peer);
    const model = backendModelOf(work);
    const loader = this.#loadedFor.get(model);
    if (loader?.peer === peer) {
      this.#loadedFor.delete(model);
      this.#loads.giveBack(loader, 1);
    }
    const spent = this.#spent.get(key);
    if (spent === undefined) return;
    this.#requests.giveBack(spent.holder, 1);
    this.#countingMs.giveBack(spent.holder, spent.countingMs);
  }

  #admitRequest(holder: Holder): Declined | undefined {
    const short = this.inputs.shortage(holder);
    if (short === 'peer') return decline('too many unfinished requests; finish some first');
    if (short === 'all') return decline('too many unfinished requests at the moment; try again soon');
    return this.#useUp(this.#requests, holder, 'too many requests that were not paid');
  }

  #useUp(rate: SharedRate, holder: Holder, whyNot: string): Declined | undefined {
    const waitMs = rate.waitMs(holder, 1, this.#nowMs());
    if (waitMs > 0) return declineFor(waitMs, whyNot);
    rate.take(holder, 1, this.#nowMs());
    return undefined;
  }

  #nowMs(): number {
    return this.#options.clock.nowMs();
  }
}
