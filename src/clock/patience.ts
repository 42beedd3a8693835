import type { Clock } from './clock.ts';

const RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 30_000;

/** Waits before the next try, longer each time, and says seldom that it does. */
export class Patience {
  readonly #clock: Clock;
  readonly #longestMs: number;
  #tries = 0;
  #isWaiting = false;

  constructor(clock: Clock, longestMs = LONGEST_RETRY_MS) {
    this.#clock = clock;
    this.#longestMs = longestMs;
  }

  /** True for the first try, the second, the fourth, … */
  get isWorthALine(): boolean {
    return ((this.#tries + 1) & this.#tries) === 0;
  }

  get isWaiting(): boolean {
    return this.#isWaiting;
  }

  async wait(): Promise<void> {
    const delayMs = Math.min(this.#longestMs, RETRY_MS * 2 ** Math.min(this.#tries++, 5));
    this.#isWaiting = true;
    await new Promise<void>((resolve) => void this.#clock.timer(delayMs, resolve));
    this.#isWaiting = false;
  }
}
