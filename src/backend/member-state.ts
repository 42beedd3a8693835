import type { Logger } from 'pino';
import type { Clock } from '../clock/clock.ts';
import { fitsPattern } from '../pricing/price-list.ts';
import type { Admission } from './admission.ts';
import type { Backend, BackendModel } from './backend.ts';
import { ModelLoads } from './model-loads.ts';
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
  readonly loads: ModelLoads;
  leased = 0;
  isHealthy = true;
  readonly #patterns: readonly string[] | undefined;
  readonly #loadedModels: number;
  readonly #clock: Clock;
  readonly #events: MemberEvents;
  readonly #admission: Admission;
  /** Places that were admitted beforehand: admission takes milliseconds, and nobody should wait for it. */
  readonly #ready: (() => void)[] = [];
  /** Models of the jobs that run on it, each as often as there are. */
  readonly #running: string[] = [];
  /** Models that were loaded or ran since it was asked last, and those of before: until it has answered they are taken to be warm still. */
  readonly #used = new Set<string>();
  readonly #usedBefore = new Set<string>();
  #known: readonly BackendModel[] | undefined;
  #failures = 0;
  #probeMs = FIRST_PROBE_MS;
  #cancelProbe: (() => void) | undefined;
  #isAsking = false;
  #asked: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(
    { backend, slots, models, loadedModels = 1 }: PoolMember,
    {
      clock,
      admission,
      events,
      log,
    }: { clock: Clock; admission: Admission; events: MemberEvents; log?: Logger | undefined },
  ) {
    this.backend = backend;
    this.slots = slots;
    this.loads = new ModelLoads(backend, clock, log);
    this.#patterns = models;
    this.#loadedModels = loadedModels;
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

  /** As it last told, without what the configuration leaves out; what was used since is warm. */
  get models(): readonly BackendModel[] {
    const models = (this.#known ?? []).filter(({ id }) => this.#fits(id));
    return models.map((model) => (this.#wasUsed(model.id) ? { ...model, warm: true } : model));
  }

  has(model: string): boolean {
    return this.#fits(model) && (this.#known ?? []).some(({ id }) => id === model);
  }

  /** True also when it has not told its models yet. */
  mayHave(model: string): boolean {
    return this.#known === undefined ? this.#fits(model) : this.has(model);
  }

  /** It says that the model is not in memory, and can load it. */
  isCold(model: string): boolean {
    if (this.backend.warm === undefined || this.#wasUsed(model)) return false;
    return this.#known?.find(({ id }) => id === model)?.warm === false;
  }

  /** Whether it can load this one without giving up another that it runs or that is owed: none is, or nothing has to be given up. */
  hasRoomFor(model: string, owed: ReadonlySet<string>): boolean {
    const isNeeded = [...this.#running, ...owed].some((other) => other !== model && this.has(other));
    const warm = new Set(this.models.flatMap(({ id, digest = id, warm }) => (warm === true ? [digest] : [])));
    return !isNeeded || warm.size < this.#loadedModels;
  }

  /** Has it loaded, and looks at the models then: now the backend knows its context. Never rejects. */
  async load(model: string): Promise<void> {
    if (await this.loads.load(model, () => this.#askAgain())) this.#use(model);
  }

  /** Takes a free place for a job of this model; the result leaves it, once. */
  take(model: string): () => void {
    const leave = this.#ready.pop();
    if (leave === undefined) throw new Error('no place is free');
    this.leased += 1;
    this.#running.push(model);
    let isLeft = false;
    return () => {
      if (isLeft) return;
      isLeft = true;
      this.leased -= 1;
      this.#running.splice(this.#running.indexOf(model), 1);
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
    this.#use(model);
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
    await this.ask();
  }

  async #ask(): Promise<void> {
    let models: readonly BackendModel[];
    for (const model of this.#used) this.#usedBefore.add(model);
    this.#used.clear();
    try {
      models = await this.backend.models();
      this.#isAsking = false;
    } catch (error) {
      this.#isAsking = false; // first: the next probe is set here
      return this.#fallIll(error instanceof Error ? error.message : 'its models could not be listed');
    }
    if (this.#isClosed) return;
    this.#known = models;
    this.#usedBefore.clear();
    // Only what jobs brought on may come back at once, and so keeps its back-off.
    if (this.#failures < FAILURES_UNTIL_UNHEALTHY - 1) this.#probeMs = FIRST_PROBE_MS;
    this.#heal('it answers again');
    this.#events.changed();
  }

  #use(model: string): void {
    this.#used.add(model);
    this.#events.changed();
  }

  #wasUsed(model: string): boolean {
    return this.#used.has(model) || this.#usedBefore.has(model);
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
