import type { Logger } from 'pino';
import type { Clock } from '../clock/clock.ts';
import type { JobKey } from '../job/job.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Spool } from '../spool/spool.ts';
import type { Engine } from './engine.ts';

const SWEEP_EVERY_MS = 60_000;
/** Forgotten side by side, so that they share commits of the ledger. */
const OLD_AT_ONCE = 100;
/** Manifests that are kept, those of buyers not counted: a peer that comes back may not send its own again. */
const MANIFESTS_KEPT = 10_000;
/** Few: what is not in the way is kept for buyers that ask again. */
const GIVEN_UP_AT_ONCE = 4;

export interface SweeperOptions {
  readonly engine: Engine;
  readonly ledger: Ledger;
  readonly spool: Spool;
  readonly clock: Clock;
  readonly log: Logger;
  readonly retentionMs: number;
}

/**
 * Forgets the contents of delivered answers when their retention is over, or their room is needed: by age, so that a job at rest costs no memory.
 * Jobs that nobody paid are forgotten wholly as long after their quote, and manifests of strangers that have become many.
 */
export class Sweeper {
  readonly #options: SweeperOptions;
  #stopTimer: () => void = () => {};
  #isStopped = false;
  #making: Promise<void> = Promise.resolve();

  constructor(options: SweeperOptions) {
    this.#options = options;
  }

  start(): void {
    this.#stopTimer = this.#options.clock.timer(SWEEP_EVERY_MS, () => {
      this.sweep()
        .catch((error: unknown) => this.#options.log.warn({ reason: String(error) }, 'old answers could not be swept'))
        .finally(() => this.#isStopped || this.start());
    });
  }

  stop(): void {
    this.#isStopped = true;
    this.#stopTimer();
  }

  /** Forgets all whose time is over, however many they are. */
  async sweep(): Promise<void> {
    const { clock, ledger, retentionMs } = this.#options;
    const beforeMs = clock.nowMs() - retentionMs;
    await this.#forgetWhile(() => true, beforeMs, OLD_AT_ONCE);
    while (!this.#isStopped && (await ledger.forgetUnpaid(beforeMs, OLD_AT_ONCE)) === OLD_AT_ONCE);
    if (!this.#isStopped) await ledger.forgetStrangers(MANIFESTS_KEPT);
  }

  /** Gives up delivered answers, the oldest first, until there is room enough or none is left. One caller after the other, so that none gives up too many. */
  makeRoom(isShort: () => boolean): Promise<void> {
    const mine = this.#making.then(() => this.#forgetWhile(isShort, Number.MAX_SAFE_INTEGER, GIVEN_UP_AT_ONCE));
    this.#making = mine.catch(() => {});
    return mine;
  }

  async #forgetWhile(isNeeded: () => boolean, endedBeforeMs: number, atOnce: number): Promise<void> {
    let first: JobKey | undefined;
    while (isNeeded() && !this.#isStopped) {
      const keys = await this.#options.ledger.deliveredBefore(endedBeforeMs, atOnce);
      if (keys.length === 0 || keys[0] === first) return; // the same again: it cannot be forgotten now
      first = keys[0];
      await Promise.all(keys.map((key) => this.#forget(key)));
    }
  }

  /** Its effects remove the contents too, in their time; here the room is wanted now. */
  async #forget(key: JobKey): Promise<void> {
    const { engine, spool } = this.#options;
    const job = await engine.dispatch(key, { kind: 'retention-passed' });
    if (job?.delivery === 'done') await spool.remove(key);
  }
}
