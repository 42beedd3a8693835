import { isAtRest, isRunFinal } from '../job/job.ts';
import type { Job, JobKey } from '../job/job.ts';

/** A job in memory while something is left to do for it. */
export interface LiveJob {
  job: Job;
  /** Events of one job are handled one after the other. */
  events: Promise<unknown>;
  /** Effects too, beside the events: an event must not wait for the network. What is sent begins in its turn, and nothing waits for its end. */
  effects: Promise<void>;
  /** Events and effects under way. */
  busy: number;
  stopTimer?: () => void;
  finalWaiters: ((job: Job) => void)[];
}

/** The jobs in memory: each stays until it is at rest and nothing is under way for it. */
export class LiveJobs {
  readonly #byKey = new Map<JobKey, LiveJob>();
  readonly #keyByHash = new Map<string, JobKey>();
  readonly #changeWaiters = new Set<() => void>();

  get(key: JobKey): LiveJob | undefined {
    return this.#byKey.get(key);
  }

  /** False: it was forgotten, and the same job may be here anew. */
  has(live: LiveJob): boolean {
    return this.#byKey.get(live.job.key) === live;
  }

  jobs(): Job[] {
    return [...this.#byKey.values()].map(({ job }) => job);
  }

  keyByPaymentHash(paymentHash: string): JobKey | undefined {
    return this.#keyByHash.get(paymentHash);
  }

  remember(job: Job): LiveJob {
    const live: LiveJob = { job, events: Promise.resolve(), effects: Promise.resolve(), busy: 0, finalWaiters: [] };
    this.#byKey.set(job.key, live);
    this.#keyByHash.set(job.paymentHash, job.key);
    return live;
  }

  forget(live: LiveJob): void {
    live.stopTimer?.();
    this.#byKey.delete(live.job.key);
    this.#keyByHash.delete(live.job.paymentHash);
  }

  clear(): void {
    for (const live of this.#byKey.values()) live.stopTimer?.();
    this.#byKey.clear();
    this.#keyByHash.clear();
    this.#wake();
  }

  /** Does the work once all that was asked before for this job is done. */
  serially<T>(live: LiveJob, work: () => Promise<T>): Promise<T> {
    const result = this.keepDuring(live, live.events.then(work));
    live.events = result.catch(() => {});
    return result;
  }

  /** The job once its run has ended or failed; undefined when the signal fires first. */
  whenRunFinal(live: LiveJob, signal: AbortSignal): Promise<Job | undefined> {
    if (isRunFinal(live.job)) return Promise.resolve(live.job);
    if (signal.aborted) return Promise.resolve(undefined);
    const { promise, resolve } = Promise.withResolvers<Job | undefined>();
    const giveUp = (): void => {
      live.finalWaiters = live.finalWaiters.filter((waiter) => waiter !== resolve);
      resolve(undefined);
    };
    live.finalWaiters.push(resolve);
    signal.addEventListener('abort', giveUp, { once: true });
    return promise.finally(() => signal.removeEventListener('abort', giveUp));
  }

  /** Resolves when no job is left of which this holds. */
  async whenNone(holds: (job: Job) => boolean): Promise<void> {
    while (this.jobs().some(holds)) await new Promise<void>((resolve) => this.#changeWaiters.add(resolve));
  }

  /** Keeps the job in memory until `work` has settled, which it hands on. */
  async keepDuring<T>(live: LiveJob, work: Promise<T>): Promise<T> {
    live.busy++;
    try {
      return await work;
    } finally {
      live.busy--;
      if (live.busy === 0 && isAtRest(live.job)) this.forget(live);
      this.#wake();
    }
  }

  #wake(): void {
    for (const wake of this.#changeWaiters) wake();
    this.#changeWaiters.clear();
  }
}
