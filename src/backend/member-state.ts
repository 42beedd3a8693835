import type { Logger } from 'pino';
import type { Clock } from '../clock/clock.ts';
import type { Backend, BackendModel } from './backend.ts';
import { MemberModels } from './member-models.ts';
import { ModelLoads } from './model-loads.ts';
import type { Places } from './places.ts';
import type { PoolMember } from './pool.ts';

const FAILURES_UNTIL_UNHEALTHY = 3;
const FIRST_PROBE_MS = 1_000;
const LONGEST_PROBE_MS = 60_000;

export interface MemberEvents {
  /** A place is free, or health or models changed. */
  changed(): void;
  healthChanged(member: MemberState, reason: string): void;
}

export interface MemberParts {
  readonly clock: Clock;
  readonly places: Places;
  readonly events: MemberEvents;
  readonly log?: Logger | undefined;
}

/** What the pool knows of one backend: its places, its models, its health. */
export class MemberState {
  readonly backend: Backend;
  readonly slots: number;
  readonly models: MemberModels;
  readonly loads: ModelLoads;
  leased = 0;
  isHealthy = true;
  readonly #clock: Clock;
  readonly #events: MemberEvents;
  readonly #places: Places;
  /** Places that were admitted beforehand: that takes milliseconds, and nobody should wait for it. */
  readonly #ready: (() => void)[] = [];
  #failures = 0;
  #probeMs = FIRST_PROBE_MS;
  #cancelProbe: (() => void) | undefined;
  #isAsking = false;
  #asked: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(member: PoolMember, { clock, places, events, log }: MemberParts) {
    this.backend = member.backend;
    this.slots = member.slots;
    this.models = new MemberModels(member);
    this.loads = new ModelLoads(member.backend, clock, log);
    this.#clock = clock;
    this.#events = events;
    this.#places = places;
    for (let place = 0; place < this.slots; place += 1) void this.#makeReady();
  }

  /** Free places that are still on their way. */
  get admitting(): number {
    return this.slots - this.leased - this.#ready.length;
  }

  get hasFreePlace(): boolean {
    return this.#ready.length > 0;
  }

  /** A job of the model would have to wait until it is loaded. */
  isCold(model: string): boolean {
    return this.models.isCold(model, this.loads.current);
  }

  /** Has it loaded, and looks at the models then: now the backend knows its context. Never rejects. */
  async load(model: string): Promise<void> {
    if (!(await this.loads.load(model, () => this.#askAgain()))) return;
    this.models.used(model);
    this.#events.changed();
  }

  /** Takes a free place for a job of this model; the result leaves it, once. */
  take(model: string): () => void {
    const leave = this.#ready.pop();
    if (leave === undefined) throw new Error('no place is free');
    this.leased += 1;
    this.models.runBegins(model);
    let isLeft = false;
    return () => {
      if (isLeft) return;
      isLeft = true;
      this.leased -= 1;
      this.models.runEnds(model);
      leave();
      void this.#makeReady();
    };
  }

  /** What a job of a model came to. A single failure after healing is enough to be unhealthy again; only success clears the account. */
  report(outcome: 'ok' | 'failed', model?: string): void {
    if (outcome === 'failed') {
      this.#failures += 1;
      if (this.isHealthy && this.#failures >= FAILURES_UNTIL_UNHEALTHY)
        this.#fallIll('jobs failed one after the other');
      return;
    }
    this.#failures = 0;
    this.#probeMs = FIRST_PROBE_MS;
    this.#heal('a job succeeded');
    if (model === undefined || !this.isCold(model)) return;
    this.models.used(model);
    this.#events.changed();
    void this.#askAgain(); // it may tell a context now
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
    this.loads.close();
    for (const leave of this.#ready.splice(0)) leave();
    await this.backend.close();
  }

  /** Not content with an answer that is under way: what is asked for may have happened since. */
  async #askAgain(): Promise<void> {
    await this.#asked;
    if (!this.#isClosed) await this.ask();
  }

  async #ask(): Promise<void> {
    let models: readonly BackendModel[];
    this.models.asked();
    try {
      models = await this.backend.models();
      this.#isAsking = false;
    } catch (error) {
      this.#isAsking = false; // first: the next probe is set here
      return this.#fallIll(error instanceof Error ? error.message : 'its models could not be listed');
    }
    if (this.#isClosed) return;
    this.models.told(models);
    // Only what jobs brought on may come back at once, and so keeps its back-off.
    if (this.#failures < FAILURES_UNTIL_UNHEALTHY - 1) this.#probeMs = FIRST_PROBE_MS;
    this.#heal('it answers again');
    this.#events.changed();
  }

  async #makeReady(): Promise<void> {
    const leave = await this.#places.admit();
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
