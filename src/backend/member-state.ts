import type { Clock } from '../clock/clock.ts';
import { fitsPattern } from '../pricing/price-list.ts';
import type { Admission } from './admission.ts';
import type { Backend, BackendModel } from './backend.ts';
import type { PoolMember } from './pool.ts';

const FAILURES_UNTIL_UNHEALTHY = 3;
const FIRST_PROBE_MS = 1_000;
const LONGEST_PROBE_MS = 60_000;

export interface MemberEvents {
  /** A place is free, or health or models changed. */
  changed(): void;
  healthChanged(member: MemberState, reason: string): void;
}

/** What the pool knows of one backend: its places, its models, its health. */
export class MemberState {
  readonly backend: Backend;
  readonly slots: number;
  leased = 0;
  isHealthy = true;
  readonly #patterns: readonly string[] | undefined;
  readonly #clock: Clock;
  readonly #events: MemberEvents;
  readonly #admission: Admission;
  /** Places that were admitted beforehand: admission takes milliseconds, and nobody should wait for it. */
  readonly #ready: (() => void)[] = [];
  #known: readonly BackendModel[] | undefined;
  #failures = 0;
  #probeMs = FIRST_PROBE_MS;
  #cancelProbe: (() => void) | undefined;
  #isAsking = false;
  #asked: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor({ backend, slots, models }: PoolMember, clock: Clock, admission: Admission, events: MemberEvents) {
    this.backend = backend;
    this.slots = slots;
    this.#patterns = models;
    this.#clock = clock;
    this.#events = events;
    this.#admission = admission;
    for (let place = 0; place < slots; place += 1) void this.#makeReady();
  }

  /** Free places that are still on their way. */
  get admitting(): number {
    return this.slots - this.leased - this.#ready.length;
  }

  get hasFreePlace(): boolean {
    return this.#ready.length > 0;
  }

  /** As it last told, without what the configuration leaves out. */
  get models(): readonly BackendModel[] {
    return (this.#known ?? []).filter(({ id }) => this.#fits(id));
  }

  has(model: string): boolean {
    return this.#fits(model) && (this.#known ?? []).some(({ id }) => id === model);
  }

  /** True also when it has not told its models yet. */
  mayHave(model: string): boolean {
    return this.#known === undefined ? this.#fits(model) : this.has(model);
  }

  /** Takes a free place; the result leaves it, once. */
  take(): () => void {
    const leave = this.#ready.pop();
    if (leave === undefined) throw new Error('no place is free');
    this.leased += 1;
    let isLeft = false;
    return () => {
      if (isLeft) return;
      isLeft = true;
      this.leased -= 1;
      leave();
      void this.#makeReady();
    };
  }

  /** What a job on it came to. A single failure after healing is enough to be unhealthy again; only success clears the account. */
  report(outcome: 'ok' | 'failed'): void {
    if (outcome === 'failed') {
      this.#failures += 1;
      if (this.isHealthy && this.#failures >= FAILURES_UNTIL_UNHEALTHY)
        this.#fallIll('jobs failed one after the other');
      return;
    }
    this.#failures = 0;
    this.#probeMs = FIRST_PROBE_MS;
    this.#heal('a job succeeded');
  }

  /** Asks for the models, unless that is under way. Never rejects: no answer makes it unhealthy. */
  ask(): Promise<void> {
    if (!this.#isAsking) {
      this.#isAsking = true;
      this.#asked = this.#ask();
    }
    return this.#asked;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelProbe?.();
    for (const leave of this.#ready.splice(0)) leave();
    await this.backend.close();
  }

  async #ask(): Promise<void> {
    let models: readonly BackendModel[];
    try {
      models = await this.backend.models();
      this.#isAsking = false;
    } catch (error) {
      this.#isAsking = false; // first: the next probe is set here
      return this.#fallIll(error instanceof Error ? error.message : 'its models could not be listed');
    }
    if (this.#isClosed) return;
    this.#known = models;
    // Only what jobs brought on may come back at once, and so keeps its back-off.
    if (this.#failures < FAILURES_UNTIL_UNHEALTHY - 1) this.#probeMs = FIRST_PROBE_MS;
    this.#heal('it answers again');
    this.#events.changed();
  }

  #fits(model: string): boolean {
    return this.#patterns === undefined || this.#patterns.some((pattern) => fitsPattern(pattern, model));
  }

  async #makeReady(): Promise<void> {
    const leave = await this.#admission.admit();
    if (this.#isClosed) return leave();
    this.#ready.push(leave);
    this.#events.changed();
  }

  #fallIll(reason: string): void {
    if (this.#isClosed) return;
    if (this.isHealthy) {
      this.isHealthy = false;
      this.#events.healthChanged(this, reason);
      this.#events.changed();
    }
    this.#cancelProbe?.();
    this.#cancelProbe = this.#clock.timer(this.#probeMs, () => void this.ask());
    this.#probeMs = Math.min(this.#probeMs * 2, LONGEST_PROBE_MS);
  }

  #heal(reason: string): void {
    this.#cancelProbe?.();
    this.#cancelProbe = undefined;
    if (this.isHealthy) return;
    this.isHealthy = true;
    this.#failures = Math.min(this.#failures, FAILURES_UNTIL_UNHEALTHY - 1);
    this.#events.healthChanged(this, reason);
    this.#events.changed();
  }
}
