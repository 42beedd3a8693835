import type { Logger } from 'pino';
import type { Clock } from '../clock/clock.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Engine } from './engine.ts';

const SWEEP_EVERY_MS = 60_000;
const JOBS_PER_SWEEP = 1_000;

export interface SweeperOptions {
  readonly engine: Engine;
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly log: Logger;
  readonly retentionMs: number;
}

/** Forgets the contents of delivered answers when their retention is over: by age, so that a job at rest costs no memory. */
export class Sweeper {
  readonly #options: SweeperOptions;
  #stopTimer: () => void = () => {};
  #isStopped = false;

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

  /** One round; for tests too. */
  async sweep(): Promise<void> {
    const { engine, ledger, clock, retentionMs } = this.#options;
    for (const key of await ledger.deliveredBefore(clock.nowMs() - retentionMs, JOBS_PER_SWEEP))
      await engine.dispatch(key, { kind: 'retention-passed' });
  }
}
