import type { Clock } from '../../src/clock/clock.ts';
import type { World } from './world.ts';

const never = new Promise<never>(() => {});

/**
 * One process from its start to its death. Everything that it asks of the world goes through here; once it is dead nothing is asked, answered or
 * timed any more, as after `kill -9`.
 */
export class Life {
  isOver = false;
  /** Timers that have not rung. */
  timers = 0;
  /** How far its clock is from the true time. */
  skewMs: number;
  readonly world: World;
  readonly #onDeath: (why: string) => void;
  /** Calls until it dies; undefined: it is not doomed. */
  #callsLeft: number | undefined;

  constructor(world: World, skewMs: number, onDeath: (why: string) => void) {
    this.world = world;
    this.skewMs = skewMs;
    this.#onDeath = onDeath;
  }

  readonly clock: Clock = {
    nowMs: () => this.world.nowMs + this.skewMs,
    timer: (delayMs, ring) => {
      if (this.isOver) return () => {};
      this.timers++;
      let isPending = true;
      const stop = this.world.after(delayMs, () => {
        isPending = false;
        this.timers--;
        if (!this.isOver) ring();
      });
      return () => {
        if (isPending) this.timers--;
        isPending = false;
        stop();
      };
    },
  };

  /** Dies just before its n-th call from now. */
  doom(calls: number): void {
    this.#callsLeft = calls;
  }

  die(why: string): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#onDeath(why);
  }

  /** Every call of a port comes by here: false when the process did not live to make it. */
  lives(): boolean {
    if (this.#callsLeft !== undefined && --this.#callsLeft < 0) this.die('in the middle of its work');
    return !this.isOver;
  }

  /** A call: it is made, and answered, each a moment later. Who dies between does not hear the answer. `outlives`: once made, it is done. */
  call<T>(work: () => T, { withinMs = 4, outlives = false } = {}): Promise<T> {
    if (!this.lives()) return never;
    return new Promise((resolve, reject) => {
      this.world.soon(withinMs, () => {
        if (this.isOver && !outlives) return;
        let answer: () => void;
        try {
          const value = work();
          answer = () => resolve(value);
        } catch (error) {
          answer = () => reject(error as Error);
        }
        if (withinMs === 0) return this.isOver ? undefined : answer();
        this.world.soon(withinMs, () => (this.isOver ? undefined : answer()));
      });
    });
  }
}
