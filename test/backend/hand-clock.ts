import type { Clock } from '../../src/clock/clock.ts';

interface Timer {
  readonly dueMs: number;
  readonly delayMs: number;
  readonly ring: () => void;
}

/** Time that stands still until a test moves it. */
export class HandClock implements Clock {
  #nowMs = 1_700_000_000_000;
  readonly #timers = new Set<Timer>();
  readonly #watchers = new Set<() => void>();

  nowMs(): number {
    return this.#nowMs;
  }

  timer(delayMs: number, ring: () => void): () => void {
    const timer = { dueMs: this.#nowMs + delayMs, delayMs, ring };
    this.#timers.add(timer);
    for (const watch of this.#watchers) watch();
    return () => void this.#timers.delete(timer);
  }

  /** Delays of the timers that are set, in ms. */
  delays(): number[] {
    return [...this.#timers].map((timer) => timer.delayMs);
  }

  /** Resolves once a timer of this delay is set. */
  set(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const watch = () => {
        if (!this.delays().includes(delayMs)) return;
        this.#watchers.delete(watch);
        resolve();
      };
      this.#watchers.add(watch);
      watch();
    });
  }

  /** Moves time, ringing what falls due on the way. */
  advance(byMs: number): void {
    const untilMs = this.#nowMs + byMs;
    for (;;) {
      const due = [...this.#timers].filter((timer) => timer.dueMs <= untilMs).sort((a, b) => a.dueMs - b.dueMs)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#nowMs = due.dueMs;
      due.ring();
    }
    this.#nowMs = untilMs;
  }
}
