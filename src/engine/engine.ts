import { nextDeadline } from '../job/deadline.ts';
import type { Deadlines } from '../job/deadline.ts';
import { buyerAccount } from '../job/entry.ts';
import type { EventOf, JobEvent } from '../job/event.ts';
import { isCovered, isRunFinal } from '../job/job.ts';
import type { Job, JobKey } from '../job/job.ts';
import { creditToReserved } from '../job/rules.ts';
import { step } from '../job/step.ts';
import type { PendingEffect } from '../ledger/ledger.ts';
import type { Msat } from '../money/msat.ts';
import { TurnsByKey } from '../turns/turns.ts';
import { commitOnce, commitPatiently } from './commit.ts';
import type { CommitOptions } from './commit.ts';
import { Effects } from './effects.ts';
import type { PerformEffect } from './effects.ts';
import { LiveJobs } from './live-jobs.ts';
import type { LiveJob } from './live-jobs.ts';

export interface EngineOptions extends CommitOptions {
  readonly deadlines: Deadlines;
}

/**
 * Runs the job tables: event → step → save → perform the effects. The law of this room: state, ledger entries and outbox are durable before
 * the first effect of a decision is performed, and every effect can be repeated after a crash.
 */
export class Engine {
  readonly #options: EngineOptions;
  readonly #jobs = new LiveJobs();
  readonly #effects: Effects;
  readonly #accepting = new TurnsByKey();
  readonly #recovered = Promise.withResolvers<void>();
  readonly #watchers = new Set<(before: Job, after: Job) => void>();
  #perform: PerformEffect = () => Promise.reject(new Error('the engine was used before connect()'));

  constructor(options: EngineOptions) {
    this.#options = options;
    const perform: PerformEffect = (job, effect) => this.#perform(job, effect);
    this.#effects = new Effects({ ...options, jobs: this.#jobs, perform });
  }

  /** Names who performs the effects. Once, before the first job. */
  connect(perform: PerformEffect): void {
    this.#perform = perform;
  }

  /** Tells of every change of a job, once it is saved. For who keeps count; must not throw. */
  watch(listener: (before: Job, after: Job) => void): void {
    this.#watchers.add(listener);
  }

  /** Paid jobs that are not finished. */
  get paidJobs(): number {
    return this.liveJobs().filter(isCovered).length;
  }

  /** Jobs in memory. */
  liveJobs(): Job[] {
    return this.#jobs.jobs();
  }

  /** Whether it is in memory: something is left to do for it. */
  isLive(key: JobKey): boolean {
    return this.#jobs.get(key) !== undefined;
  }

  /** The job, from memory or from the ledger. */
  async job(key: JobKey): Promise<Job | undefined> {
    return this.#jobs.get(key)?.job ?? (await this.#options.ledger.job(key));
  }

  async keyByPaymentHash(paymentHash: string): Promise<JobKey | undefined> {
    return this.#jobs.keyByPaymentHash(paymentHash) ?? (await this.#options.ledger.jobByPaymentHash(paymentHash))?.key;
  }

  /**
   * Accepts the job that `make` makes with the buyer's credit in view: from the moment this resolves it survives any crash, and the credit that
   * lowered its price is reserved. One job of a buyer at a time, so that no two are made of the same credit; nothing waits between `make` and the job
   * being counted. Undefined: `make` thought better of it. Rejects with LedgerError when it could not be saved.
   */
  accept(peer: string, input: Uint8Array, make: (creditMsat: Msat) => Job | undefined): Promise<Job | undefined> {
    return this.#accepting.take(peer, async () => {
      await this.#recovered.promise;
      const job = make(await this.#options.ledger.balance(buyerAccount(peer)));
      if (job !== undefined) await this.#save(job, input);
      return job;
    });
  }

  async #save(job: Job, input: Uint8Array): Promise<void> {
    const live = this.#adopt(job);
    const change = { job, input, entries: creditToReserved(job), effects: [{ kind: 'create-invoice' }] } as const;
    await this.#jobs.serially(live, async () => {
      try {
        this.#effects.performAll(live, await commitOnce(this.#options, change));
      } catch (error) {
        this.#jobs.forget(live);
        throw error;
      }
    });
  }

  /** Takes a job that was saved before a restart into memory; its deadlines wait until it has heard of the restart. */
  async restore(job: Job, restarted: EventOf<'restarted'>): Promise<void> {
    const live = this.#jobs.remember(job);
    await this.#dispatch(job.key, restarted);
    this.#arm(live);
  }

  /** All jobs of the last process are here again: only now does news reach any, or it would meet one that has not heard of the restart. */
  open(): void {
    this.#recovered.resolve();
  }

  /** Performs effects that a crash left in the outbox. */
  async resume(pending: readonly PendingEffect[]): Promise<void> {
    for (const effect of pending) {
      if (effect.effect.kind === 'abort-run') {
        this.#options.ledger.strike(effect.id); // what it was to stop died with the last process
        continue;
      }
      const job = await this.job(effect.jobKey);
      if (job !== undefined) this.#effects.performAll(this.#adopt(job), [effect]);
    }
  }

  /** Tells a job what happened; resolves once the consequences are saved, with the job as it is then. Undefined: no such job. */
  async dispatch(key: JobKey, event: JobEvent, cursor?: bigint): Promise<Job | undefined> {
    await this.#recovered.promise;
    return this.#dispatch(key, event, cursor);
  }

  async #dispatch(key: JobKey, event: JobEvent, cursor?: bigint): Promise<Job | undefined> {
    let live = this.#jobs.get(key);
    if (live === undefined) {
      const stored = await this.#options.ledger.job(key);
      if (stored === undefined) return undefined;
      live = this.#adopt(stored);
    }
    const target = live;
    return this.#jobs.serially(target, () => this.#handle(target, event, cursor));
  }

  async #handle(live: LiveJob, event: JobEvent, cursor: bigint | undefined): Promise<Job | undefined> {
    if (!this.#jobs.has(live)) return undefined; // it could not be saved: there is no such job
    const heard = cursor === undefined ? {} : { cursor };
    const next = step(live.job, event, this.#options.clock.nowMs());
    if (next === undefined) {
      // Known already, from a look-up: but the node need not tell it again.
      if (cursor !== undefined)
        await commitPatiently(this.#options, { job: live.job, entries: [], effects: [], ...heard });
      return live.job;
    }
    const { job, entries, effects, isToBeSaved } = next;
    const pending = isToBeSaved ? await commitPatiently(this.#options, { job, entries, effects, ...heard }) : [];
    const { key, funding, run, delivery } = job;
    this.#options.log.debug({ job: key, event: event.kind, funding, run, delivery }, 'job stepped');
    const before = live.job;
    live.job = job;
    for (const tell of this.#watchers) tell(before, job);
    this.#arm(live);
    if (isRunFinal(job)) for (const tell of live.finalWaiters.splice(0)) tell(job);
    this.#effects.performAll(live, pending);
    return job;
  }

  /** The job once its run has ended or failed. */
  async whenRunFinal(key: JobKey, signal: AbortSignal): Promise<Job | undefined> {
    const live = this.#jobs.get(key);
    return live === undefined ? this.#options.ledger.job(key) : this.#jobs.whenRunFinal(live, signal);
  }

  /** Resolves when no paid job is left unfinished. */
  whenPaidJobsAreDone(): Promise<void> {
    return this.#jobs.whenNone((job) => isCovered(job) || job.delivery === 'sending' || job.delivery === 'finishing');
  }

  /** Stops the timers. What is saved stays; nothing more is performed by itself. */
  close(): void {
    this.#jobs.clear();
  }

  #adopt(job: Job): LiveJob {
    const known = this.#jobs.get(job.key);
    if (known !== undefined) return known;
    const live = this.#jobs.remember(job);
    this.#arm(live);
    return live;
  }

  #arm(live: LiveJob): void {
    live.stopTimer?.();
    delete live.stopTimer;
    const next = nextDeadline(live.job, this.#options.deadlines);
    if (next === undefined) return;
    const { event, atMs } = next;
    live.stopTimer = this.#options.clock.timer(atMs - this.#options.clock.nowMs(), () => {
      this.dispatch(live.job.key, event).catch((error: unknown) =>
        this.#options.log.error({ job: live.job.key, reason: String(error) }, 'deadline failed'),
      );
    });
  }
}
