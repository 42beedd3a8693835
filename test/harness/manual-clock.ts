import type { Clock } from '../../src/clock/clock.ts';

interface Timer {
  atMs: number;
  readonly ring: () => void;
}

/** Lets everything that is ready run: promises and one round of the event loop. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Time that stands still until a test moves it. */
export class ManualClock implements Clock {
  #nowMs: number;
  readonly #timers = new Set<Timer>();

  constructor(nowMs = Date.UTC(2026, 0, 1)) {
    this.#nowMs = nowMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  nowS(): number {
    return Math.floor(this.#nowMs / 1000);
  }

  timer(delayMs: number, ring: () => void): () => void {
    const timer: Timer = { atMs: this.#nowMs + Math.max(0, delayMs), ring };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** Timers that have not rung. */
  get waiting(): number {
    return this.#timers.size;
  }

  /** Moves time on, ringing the timers on the way in their order; each may set others, which ring too when they are due. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      await turn();
      const next = this.#earliest();
      if (next === undefined || next.atMs > untilMs) break;
      this.#timers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.ring();
    }
    this.#nowMs = untilMs;
    await turn();
  }

  /** The clock is set, as an operator or NTP does it: timers ring when they would have. */
  jump(ms: number): void {
    this.#nowMs += ms;
    for (const timer of this.#timers) timer.atMs += ms;
  }

  #earliest(): Timer | undefined {
    let earliest: Timer | undefined;
    for (const timer of this.#timers) if (earliest === undefined || timer.atMs < earliest.atMs) earliest = timer;
    return earliest;
  }
}

/** A clock that dies with its process: after `stop` nothing rings any more. */
export function mortalClock(clock: Clock): Clock & { stop(): void } {
  let isDead = false;
  return {
    nowMs: () => clock.nowMs(),
    timer: (delayMs, ring) => clock.timer(delayMs, () => (isDead ? undefined : ring())),
    stop: () => void (isDead = true),
  };
}
