/** The weight of the latest run in the mean. */
const LATEST_WEIGHT = 0.2;

/** The queue that a job would join. */
export interface Queue {
  /** Places on backends that can run it. */
  readonly slots: number;
  /** Jobs on these places. */
  readonly running: number;
  /** Paid jobs that wait for one of them. */
  readonly waiting: number;
}

/** How long runs of each model take: a moving mean of those that ended. */
export class RunTimes {
  readonly #firstGuessMs: number;
  readonly #meanMs = new Map<string, number>();

  constructor(firstGuessMs: number) {
    this.#firstGuessMs = firstGuessMs;
  }

  ended(model: string, tookMs: number): void {
    const meanMs = this.#meanMs.get(model) ?? tookMs;
    this.#meanMs.set(model, meanMs + LATEST_WEIGHT * (tookMs - meanMs));
  }

  meanMs(model: string): number {
    return this.#meanMs.get(model) ?? this.#firstGuessMs;
  }

  /** How long a job would wait for a place behind what is there and `ahead` others. */
  waitMs(model: string, { slots, running, waiting }: Queue, ahead: number): number {
    const without = running + waiting + ahead + 1 - slots;
    return without <= 0 ? 0 : Math.ceil((without * this.meanMs(model)) / Math.max(1, slots));
  }
}
