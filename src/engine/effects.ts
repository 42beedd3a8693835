import type { Logger } from 'pino';
import type { Clock } from '../clock/clock.ts';
import type { Effect } from '../job/effect.ts';
import type { Job } from '../job/job.ts';
import type { Ledger, PendingEffect } from '../ledger/ledger.ts';
import type { LiveJob, LiveJobs } from './live-jobs.ts';

/** Performs one effect; resolves when it may be struck out of the outbox. Must be repeatable. */
export type PerformEffect = (job: Job, effect: Effect) => Promise<void>;

export interface EffectsOptions {
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly log: Logger;
  readonly jobs: LiveJobs;
  readonly perform: PerformEffect;
}

const RETRY_MS = 30_000;

/**
 * What is in the outbox, performed: those of one job are begun in their order, and each is repeated until it succeeds. One that failed does not hold up
 * those behind it meanwhile.
 */
export class Effects {
  readonly #options: EffectsOptions;

  constructor(options: EffectsOptions) {
    this.#options = options;
  }

  performAll(live: LiveJob, pending: readonly PendingEffect[]): void {
    const { jobs, ledger, perform } = this.#options;
    for (const one of pending) {
      // Work is stopped at once, however long the node takes for what is before it.
      const turn = one.effect.kind === 'abort-run' ? Promise.resolve() : live.effects;
      const performed = turn
        .then(() => perform(live.job, one.effect))
        .then(() => ledger.strike(one.id))
        .catch((error: unknown) => this.#performLater(live, one, error));
      const kept = jobs.keepDuring(live, performed);
      if (!isBeside(one.effect)) live.effects = kept;
    }
  }

  #performLater(live: LiveJob, pending: PendingEffect, error: unknown): void {
    const { jobs, clock, log } = this.#options;
    const { job, effect } = { job: live.job.key, effect: pending.effect.kind };
    log.error({ job, effect, reason: String(error) }, 'an effect failed and is repeated in a while');
    const waited = new Promise<void>((resolve) => clock.timer(RETRY_MS, resolve));
    const again = waited.then(() => {
      if (jobs.has(live)) this.performAll(live, [pending]);
    });
    void jobs.keepDuring(live, again);
  }
}

/** Nothing waits for these: a run is stopped beside what is under way, and a peer that does not read must not hold up its own run. */
const isBeside = ({ kind }: Effect): boolean =>
  kind === 'abort-run' || kind === 'send-quote' || kind === 'send-error' || kind === 'send-result';
