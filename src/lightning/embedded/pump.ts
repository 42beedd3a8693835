import { LightningError } from '../lightning.ts';
import { spreadTrap, trapOf } from './wasm.ts';

/** Rounds of work before the output of a pump is let go, so that a busy node cannot starve its sockets. */
const MAX_ROUNDS = 32;

/** The parts that one pump runs through, in this order. */
export interface PumpSteps {
  /** Takes in what has arrived; true when some of it has to wait for another pump. */
  read(): boolean;
  /** One round of LDK's work; true when there may be more. */
  work(): boolean;
  /** Puts all that has changed on disk, in one transaction. */
  commit(): void;
  /** Lets bytes and news go; true when another pump is needed. */
  release(): boolean;
  /** The node has failed: it must end without another call into LDK. */
  failed(reason: string): void;
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: LightningError) => void;
}

/**
 * Runs LDK: read, work, commit, release, once per turn of the event loop in which anything happened. No byte, answer or event leaves before
 * the state that it is based on is on disk. Whatever throws on the way ends the node: the state in memory is not to be trusted then.
 */
export class Pump {
  readonly #steps: PumpSteps;
  #scheduled = false;
  #stopped: string | undefined;
  #waiting: Waiter[] = [];

  constructor(steps: PumpSteps) {
    this.#steps = steps;
  }

  schedule(): void {
    if (this.#scheduled || this.#stopped !== undefined) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.run();
    });
  }

  run(): void {
    this.enter(() => {
      const isLeft = this.#steps.read();
      let rounds = 0;
      while (this.#steps.work() && ++rounds < MAX_ROUNDS);
      this.#steps.commit();
      const committed = this.#waiting.length; // more may come while news is told
      const again = this.#steps.release();
      for (const { resolve } of this.#waiting.splice(0, committed)) resolve();
      if (isLeft || again || rounds === MAX_ROUNDS || this.#waiting.length > 0) this.schedule();
    });
  }

  /** Runs a call into LDK that nobody waits for. */
  enter(call: () => void): void {
    if (this.#stopped !== undefined) return;
    try {
      call();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Runs a call of our user: LightningErrors are answers, anything else ends the node. */
  attempt<T>(call: () => T): T {
    if (this.#stopped !== undefined) throw this.#unavailable();
    try {
      return call();
    } catch (error) {
      if (error instanceof LightningError) throw error;
      this.#fail(error);
      throw this.#unavailable();
    }
  }

  /** Resolves after the commit of all that has been done so far. */
  committed(): Promise<void> {
    if (this.#stopped !== undefined) return Promise.reject(this.#unavailable());
    this.schedule();
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** Ends the pump; returns the error for those who still wait. */
  stop(reason: string): LightningError {
    this.#stopped ??= reason;
    const error = this.#unavailable();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { reject } of waiting) reject(error);
    return error;
  }

  get stopped(): boolean {
    return this.#stopped !== undefined;
  }

  #unavailable(): LightningError {
    return new LightningError('unavailable', `the embedded node has stopped: ${this.#stopped}`);
  }

  #fail(error: unknown): void {
    const trap = trapOf(error);
    this.#steps.failed(trap ?? (error instanceof Error ? error.message : String(error)));
    if (trap !== undefined) spreadTrap(trap);
  }
}
