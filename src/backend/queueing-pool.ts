import { BackendError } from './backend.ts';
import type { Backend, TaskKind } from './backend.ts';
import { MemberState } from './member-state.ts';
import { mergeModels } from './model-list.ts';
import type { PoolModel } from './model-list.ts';
import { createPlaces } from './places.ts';
import type { AcquireOptions, BackendPool, PoolOptions, Readiness, Slot } from './pool.ts';
import { loaderFor, readinessOf } from './readiness.ts';

interface Waiter {
  readonly model: string;
  readonly taskKind: TaskKind | undefined;
  readonly exclude: ReadonlySet<Backend>;
  readonly grant: (member: MemberState) => void;
  readonly refuse: (error: BackendError) => void;
}

const DEFAULT_REFRESH_MS = 30_000;
const NONE: ReadonlySet<Backend> = new Set();

const refusal = (message: string, cause?: unknown): BackendError =>
  new BackendError(message, { retryable: false, cause });

/** A pool that knows no models before `start` or `refresh`. */
export function createPool(options: PoolOptions): BackendPool {
  return new Pool(options);
}

class Pool implements BackendPool {
  readonly #options: PoolOptions;
  readonly #members: readonly MemberState[];
  readonly #waiters = new Set<Waiter>(); // in the order of arrival
  readonly #listeners = new Set<() => void>();
  #models: readonly PoolModel[] = [];
  #refreshing: Promise<void> | undefined;
  #cancelRefresh: (() => void) | undefined;
  #isClosed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    const events = {
      changed: () => this.#lookAgain(),
      healthChanged: (member: MemberState, reason: string) => this.#logHealth(member, reason),
    };
    const { places = createPlaces, clock, log } = options;
    this.#members = options.members.map(
      (member) => new MemberState(member, { clock, places: places(member.slots), events, log }),
    );
  }

  acquire(model: string, signal: AbortSignal, { exclude = NONE, taskKind }: AcquireOptions = {}): Promise<Slot> {
    if (this.#isClosed) return Promise.reject(refusal('the pool is closed'));
    if (signal.aborted) return Promise.reject(refusal('aborted in the queue', signal.reason));
    return new Promise((resolve, reject) => {
      const leaveQueue = () => {
        this.#waiters.delete(waiter);
        signal.removeEventListener('abort', onAbort);
      };
      const waiter: Waiter = {
        model,
        taskKind,
        exclude,
        grant: (member) => {
          leaveQueue();
          resolve({ backend: member.backend, release: member.take(model) });
        },
        refuse: (error) => {
          leaveQueue();
          reject(error);
        },
      };
      const onAbort = () => waiter.refuse(refusal('aborted in the queue', signal.reason));
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiters.add(waiter);
      this.#serve();
      if (this.#waiters.has(waiter) && this.#isFull()) waiter.refuse(refusal('the queue is full'));
    });
  }

  hasOther(model: string, exclude: ReadonlySet<Backend>): boolean {
    return this.#able(model).some(({ backend }) => !exclude.has(backend));
  }

  models(): readonly PoolModel[] {
    return this.#models;
  }

  onModelsChanged(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  queue(model: string): { slots: number; running: number; waiting: number } {
    const able = this.#able(model);
    const waiting = [...this.#waiters].filter((waiter) => able.some((member) => member.models.has(waiter.model)));
    return {
      slots: able.reduce((sum, { slots }) => sum + slots, 0),
      running: able.reduce((sum, { leased }) => sum + leased, 0),
      waiting: waiting.length,
    };
  }

  isAway(model: string): boolean {
    return this.#members.some((member) => !member.isHealthy && member.models.has(model));
  }

  readiness(model: string, owed: ReadonlySet<string>): Readiness {
    return readinessOf(this.#able(model), model, owed);
  }

  load(model: string, owed: ReadonlySet<string>): void {
    if (this.readiness(model, owed).kind === 'loadable') void loaderFor(this.#able(model), model, owed)?.load(model);
  }

  running(): number {
    return this.#members.reduce((sum, member) => sum + member.leased, 0);
  }

  waiting(): number {
    return this.#waiters.size;
  }

  report(backend: Backend, outcome: 'ok' | 'failed', model?: string): void {
    this.#members.find((member) => member.backend === backend)?.report(outcome, model);
  }

  refresh(): Promise<void> {
    const healthy = this.#members.filter((member) => member.isHealthy); // the others are probed, with back-off
    this.#refreshing ??= Promise.all(healthy.map((member) => member.ask())).then(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async start(): Promise<void> {
    await this.refresh();
    if (this.#isClosed) return;
    this.#cancelRefresh?.();
    this.#cancelRefresh = this.#options.clock.timer(
      this.#options.refreshMs ?? DEFAULT_REFRESH_MS,
      () => void this.start(),
    );
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelRefresh?.();
    for (const waiter of this.#waiters) waiter.refuse(refusal('the pool is closed'));
    await Promise.allSettled(this.#members.map((member) => member.close()));
  }

  /** Places that are on their way to being free are not waited for in the sense of the limit. */
  #isFull(): boolean {
    const admitting = this.#members.reduce((sum, member) => sum + member.admitting, 0);
    return this.#waiters.size - admitting > this.#options.maxQueueLength;
  }

  #lookAgain(): void {
    const told = this.#members.filter((member) => member.isHealthy);
    const models = mergeModels(told.map((member) => ({ backend: member.backend.name, models: member.models.list })));
    const haveChanged = JSON.stringify(models) !== JSON.stringify(this.#models);
    this.#models = models;
    this.#serve();
    if (haveChanged) for (const listener of this.#listeners) listener();
  }

  #serve(): void {
    for (const waiter of this.#waiters) {
      if (!this.#members.some((member) => member.models.mayHave(waiter.model, waiter.taskKind)))
        waiter.refuse(refusal('no backend has this model'));
      else {
        const member = this.#choose(waiter);
        if (member !== undefined) waiter.grant(member);
      }
    }
  }

  /** One that has the model loaded, if there is one; another only when it gives up for it nothing that somebody waits for. */
  #choose({ model, taskKind, exclude }: Waiter): MemberState | undefined {
    const able = this.#able(model, taskKind);
    const others = able.filter(({ backend }) => !exclude.has(backend));
    const candidates = others.length > 0 ? others : able;
    const free = candidates.filter((member) => member.hasFreePlace);
    const warm = free.filter((member) => !member.isCold(model));
    if (warm.length > 0) return leastLoaded(warm);
    if (candidates.every((member) => member.isCold(model))) return leastLoaded(free);
    const waitedFor = new Set([...this.#waiters].map((waiter) => waiter.model));
    return leastLoaded(free.filter((member) => member.models.hasRoomFor(model, waitedFor)));
  }

  #able(model: string, taskKind?: TaskKind): MemberState[] {
    return this.#members.filter((member) => member.isHealthy && member.models.has(model, taskKind));
  }

  #logHealth(member: MemberState, reason: string): void {
    const { log } = this.#options;
    const about = { backend: member.backend.name, reason };
    if (member.isHealthy) log?.info(about, 'backend is healthy again');
    else log?.warn(about, 'backend is unhealthy: no jobs go to it until it answers');
  }
}

const loadOf = (member: MemberState): number => member.leased / member.slots;

/** The first of equally loaded ones. */
function leastLoaded(members: readonly MemberState[]): MemberState | undefined {
  return members.reduce<MemberState | undefined>(
    (best, member) => (best === undefined || loadOf(member) < loadOf(best) ? member : best),
    undefined,
  );
}
