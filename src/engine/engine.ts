import type { Logger } from 'pino';
import type { Clock } from '../clock/clock.ts';
import { nextDeadline } from '../job/deadline.ts';
import type { Deadlines } from '../job/deadline.ts';
import type { Effect } from '../job/effect.ts';
import type { EventOf, JobEvent } from '../job/event.ts';
import { creditToReserved } from '../job/rules.ts';
import { buyerAccount } from '../job/entry.ts';
import { isAtRest, isCovered, isRunFinal } from '../job/job.ts';
import type { Job, JobKey } from '../job/job.ts';
import { step } from '../job/step.ts';
import type { Change, Ledger, PendingEffect } from '../ledger/ledger.ts';
import { LedgerError } from '../ledger/ledger.ts';
import { TurnsByKey } from '../turns/turns.ts';
import type { Msat } from '../money/msat.ts';

/** Performs one effect; resolves when it may be struck out of the outbox. Must be repeatable. */
export type PerformEffect = (job: Job, effect: Effect) => Promise<void>;

export interface EngineOptions {
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly log: Logger;
  /** The ledger cannot be written any more: the process must end, nothing is lost. */
  readonly onFatal: (error: Error) => void;
}

/** A job in memory while something is left to do for it. */
interface LiveJob {
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

const RETRY_COMMIT_MS = 1_000;
const RETRY_EFFECT_MS = 30_000;

/**
 * Runs the job tables: event → step → save → perform the effects. The law of this room: state, ledger entries and outbox are durable before
 * the first effect of a decision is performed, and every effect can be repeated after a crash.
 */
export class Engine {
  readonly #options: EngineOptions;
  readonly #live = new Map<JobKey, LiveJob>();
  readonly #keyByHash = new Map<string, JobKey>();
  readonly #accepting = new TurnsByKey();
  readonly #recovered = Promise.withResolvers<void>();
  readonly #idleWaiters = new Set<() => void>();
  readonly #watchers = new Set<(before: Job, after: Job) => void>();
  #perform: PerformEffect = () => Promise.reject(new Error('the engine was used before connect()'));

  constructor(options: EngineOptions) {
    this.#options = options;
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
    return [...this.#live.values()].map((live) => live.job);
  }

  /** Whether it is in memory: something is left to do for it. */
  isLive(key: JobKey): boolean {
    return this.#live.has(key);
  }

  /** The job, from memory or from the ledger. */
  async job(key: JobKey): Promise<Job | undefined> {
    return this.#live.get(key)?.job ?? (await this.#options.ledger.job(key));
  }

  async keyByPaymentHash(paymentHash: string): Promise<JobKey | undefined> {
    return this.#keyByHash.get(paymentHash) ?? (await this.#options.ledger.jobByPaymentHash(paymentHash))?.key;
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
    await this.#serially(live, async () => {
      try {
        const pending = await this.#options.ledger.commit({
          job,
          input,
          entries: creditToReserved(job),
          effects: [{ kind: 'create-invoice' }],
        });
        this.#performAll(live, pending);
      } catch (error) {
        this.#forget(live);
        if (error instanceof LedgerError && (error.code === 'fenced' || error.code === 'corrupt'))
          this.#options.onFatal(error);
        throw error;
      }
    });
  }

  /** Takes a job that was saved before a restart into memory; its deadlines wait until it has heard of the restart. */
  async restore(job: Job, restarted: EventOf<'restarted'>): Promise<void> {
    const live = this.#remember(job);
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
      if (job !== undefined) this.#performAll(this.#adopt(job), [effect]);
    }
  }

  /** Tells a job what happened; resolves once the consequences are saved, with the job as it is then. Undefined: no such job. */
  async dispatch(key: JobKey, event: JobEvent, cursor?: bigint): Promise<Job | undefined> {
    await this.#recovered.promise;
    return this.#dispatch(key, event, cursor);
  }

  async #dispatch(key: JobKey, event: JobEvent, cursor?: bigint): Promise<Job | undefined> {
    let live = this.#live.get(key);
    if (live === undefined) {
      const stored = await this.#options.ledger.job(key);
      if (stored === undefined) return undefined;
      live = this.#adopt(stored);
    }
    const target = live;
    return this.#serially(target, async () => {
      if (this.#live.get(key) !== target) return undefined; // it could not be saved: there is no such job
      const next = step(target.job, event, this.#options.clock.nowMs());
      if (next === undefined) {
        // Known already, from a look-up: but the node need not tell it again.
        if (cursor !== undefined) await this.#commit({ job: target.job, entries: [], effects: [], cursor });
        return target.job;
      }
      const { job, entries, effects } = next;
      const change = { job, entries, effects, ...(cursor === undefined ? {} : { cursor }) };
      const pending = next.isToBeSaved ? await this.#commit(change) : [];
      this.#options.log.debug(
        { job: key, event: event.kind, funding: next.job.funding, run: next.job.run, delivery: next.job.delivery },
        'job stepped',
      );
      const before = target.job;
      target.job = next.job;
      for (const tell of this.#watchers) tell(before, next.job);
      this.#arm(target);
      if (isRunFinal(next.job)) for (const tell of target.finalWaiters.splice(0)) tell(next.job);
      this.#performAll(target, pending);
      return next.job;
    });
  }

  /** The job once its run has ended or failed. */
  async whenRunFinal(key: JobKey, signal: AbortSignal): Promise<Job | undefined> {
    const live = this.#live.get(key);
    if (live === undefined) return this.#options.ledger.job(key);
    if (isRunFinal(live.job)) return live.job;
    if (signal.aborted) return undefined;
    return new Promise((resolve) => {
      const giveUp = () => {
        live.finalWaiters = live.finalWaiters.filter((waiter) => waiter !== resolve);
        resolve(undefined);
      };
      live.finalWaiters.push(resolve);
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  /** Resolves when no paid job is left unfinished. */
  async whenPaidJobsAreDone(): Promise<void> {
    const isOwed = (job: Job) => isCovered(job) || job.delivery === 'sending' || job.delivery === 'finishing';
    while (this.liveJobs().some(isOwed)) await new Promise<void>((resolve) => this.#idleWaiters.add(resolve));
  }

  /** Stops the timers. What is saved stays; nothing more is performed by itself. */
  close(): void {
    for (const live of this.#live.values()) live.stopTimer?.();
    this.#live.clear();
  }

  #adopt(job: Job): LiveJob {
    const known = this.#live.get(job.key);
    if (known !== undefined) return known;
    const live = this.#remember(job);
    this.#arm(live);
    return live;
  }

  #remember(job: Job): LiveJob {
    const live: LiveJob = { job, events: Promise.resolve(), effects: Promise.resolve(), busy: 0, finalWaiters: [] };
    this.#live.set(job.key, live);
    this.#keyByHash.set(job.paymentHash, job.key);
    return live;
  }

  #forget(live: LiveJob): void {
    live.stopTimer?.();
    this.#live.delete(live.job.key);
    this.#keyByHash.delete(live.job.paymentHash);
  }

  #settle(live: LiveJob): void {
    live.busy--;
    if (live.busy === 0 && isAtRest(live.job)) this.#forget(live);
    for (const wake of this.#idleWaiters) wake();
    this.#idleWaiters.clear();
  }

  #serially<T>(live: LiveJob, work: () => Promise<T>): Promise<T> {
    live.busy++;
    const result = live.events.then(work);
    live.events = result.then(
      () => this.#settle(live),
      () => this.#settle(live),
    );
    return result;
  }

  #performAll(live: LiveJob, pending: readonly PendingEffect[]): void {
    for (const one of pending) {
      live.busy++;
      // Work is stopped at once, however long the node takes for what is before it.
      const turn = one.effect.kind === 'abort-run' ? Promise.resolve() : live.effects;
      const performed = turn
        .then(() => this.#perform(live.job, one.effect))
        .then(() => this.#options.ledger.strike(one.id))
        .catch((error: unknown) => this.#performLater(live, one, error))
        .finally(() => this.#settle(live));
      if (!isBeside(one.effect)) live.effects = performed;
    }
  }

  #performLater(live: LiveJob, pending: PendingEffect, error: unknown): void {
    const { job, effect } = { job: live.job.key, effect: pending.effect.kind };
    this.#options.log.error({ job, effect, reason: String(error) }, 'an effect failed and is repeated in a while');
    live.busy++;
    this.#options.clock.timer(RETRY_EFFECT_MS, () => {
      if (this.#live.get(live.job.key) === live) this.#performAll(live, [pending]);
      this.#settle(live);
    });
  }

  /** A full disk or a lock may pass: the event waits. Anything else means that the ledger is lost to this process. */
  async #commit(change: Change): Promise<readonly PendingEffect[]> {
    for (;;) {
      try {
        return await this.#options.ledger.commit(change);
      } catch (error) {
        const passing = isPassing(error);
        this.#options.log.error(
          { reason: String(error) },
          passing ? 'the ledger cannot be written now: trying again' : 'the ledger cannot be written',
        );
        if (!passing) {
          this.#options.onFatal(error as Error);
          throw error;
        }
        await new Promise<void>((resolve) => this.#options.clock.timer(RETRY_COMMIT_MS, resolve));
      }
    }
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

/** Nothing waits for these: a run is stopped beside what is under way, and a peer that does not read must not hold up its own run. */
const isBeside = ({ kind }: Effect): boolean =>
  kind === 'abort-run' || kind === 'send-quote' || kind === 'send-error' || kind === 'send-result';

/** A full disk or a lock may pass; anything else means that the ledger is lost to this process. */
const isPassing = (error: unknown): boolean =>
  error instanceof LedgerError && (error.code === 'disk-full' || error.code === 'locked');
