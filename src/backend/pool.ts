import type { Logger } from 'pino';
import type { Clock } from '../clock/clock.ts';
import type { Backend, TaskKind } from './backend.ts';
import type { PoolModel } from './model-list.ts';
import type { Places } from './places.ts';

export type { PoolModel } from './model-list.ts';

export interface PoolMember {
  readonly backend: Backend;
  /** Jobs that run on it at once, at least 1. */
  readonly slots: number;
  /** Only these of its models; `*` stands for any characters. Absent: all. */
  readonly models?: readonly string[];
  /** Models that it keeps in memory at once, at least 1. Default 1. */
  readonly loadedModels?: number;
}

/** Whether a model can be used now. */
export type Readiness =
  /** A healthy backend has it loaded, or none tells. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'loading'; readonly leftMs: number }
  /** It is not in memory, and a backend could load it now. */
  | { readonly kind: 'loadable'; readonly takesMs: number }
  /** It is not in memory, and a backend would have to give up for it what it is at. */
  | { readonly kind: 'blocked'; readonly leftMs: number };

/** The right to run one job on a backend. */
export interface Slot {
  readonly backend: Backend;
  /** Gives it back; repeatable. */
  release(): void;
}

export interface PoolOptions {
  /** In the order of preference among equally loaded ones. */
  readonly members: readonly PoolMember[];
  readonly clock: Clock;
  /** Jobs that wait at most, over all models. */
  readonly maxQueueLength: number;
  readonly log?: Logger;
  /** Who admits jobs to the places of a backend. Default: bottleneck. */
  readonly places?: (count: number) => Places;
  /** Between two looks at the backends' models. Default 30 s. */
  readonly refreshMs?: number;
}

export interface AcquireOptions {
  readonly exclude?: ReadonlySet<Backend> | undefined;
  readonly taskKind?: TaskKind;
}

/** Several backends as one: a queue, a place in it for each job, and what is known of the backends. */
export interface BackendPool {
  /**
   * Waits for a free slot of a healthy backend that has the model; first come, first served among those that can use the same slot.
   * Aborting the signal leaves the queue at once. `exclude`: another backend that is healthy and has the model is preferred to
   * these, even when that means to wait. `taskKind`: only a backend whose server takes it. Rejects with BackendError, not retryable: no backend has the model, the queue is full, aborted,
   * closed. While a backend has never told its models, it is taken to have any.
   */
  acquire(model: string, signal: AbortSignal, options?: AcquireOptions): Promise<Slot>;
  /** Whether a healthy backend has the model that is none of these. */
  hasOther(model: string, exclude: ReadonlySet<Backend>): boolean;
  /** What the healthy backends have, as they last told. */
  models(): readonly PoolModel[];
  /** Calls when `models()` has changed; the returned function ends that. */
  onModelsChanged(listener: () => void): () => void;
  /** The queue that a job of this model would join: places of healthy backends that have it, jobs on them, and jobs that wait for one of them. */
  queue(model: string): { readonly slots: number; readonly running: number; readonly waiting: number };
  /** True: an unhealthy backend had it when it last told. */
  isAway(model: string): boolean;
  /** Whether a job of this model would have to wait until it is loaded. `owed`: models that must stay in memory, beside those of running jobs. */
  readiness(model: string, owed: ReadonlySet<string>): Readiness;
  /** Begins to load a model that is loadable; else does nothing. Loads of one backend go one at a time. */
  load(model: string, owed: ReadonlySet<string>): void;
  /** Slots in use. */
  running(): number;
  /** Jobs that wait for one. */
  waiting(): number;
  /**
   * What a job came to. Three failures in a row make a backend unhealthy: no new jobs until it lists its models again, asked with back-off. A
   * model that ran well is loaded.
   */
  report(backend: Backend, outcome: 'ok' | 'failed', model?: string): void;
  /** Asks the healthy backends for their models; never rejects. Calls that overlap are one. */
  refresh(): Promise<void>;
  /** Looks at the models now, then again and again. */
  start(): Promise<void>;
  /** Turns away who waits, and closes the backends. Slots in use stay valid. */
  close(): Promise<void>;
}
