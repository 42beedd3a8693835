import { Worker } from 'node:worker_threads';
import type { Clock } from '../clock/clock.ts';
import { CannotCount, CountersBusy } from './estimator.ts';

/** What a thread is sent. */
export interface Asked<Task> {
  readonly id: number;
  readonly task: Task;
}

/** What it sends back: first that it has loaded all that the task needs, then the answer; or why it can give none, for the operator. */
export type Told<Answer> =
  | { readonly id: number; readonly isLoaded: true }
  | { readonly id: number; readonly answer: Answer }
  | { readonly id: number; readonly failure: string };

export interface CountingThreadOptions {
  /** The worker's module; see counting-worker.ts. */
  readonly module: URL;
  readonly clock: Clock;
  /** Counting longer than this is given up. Default 1.5 s. */
  readonly timeLimitMs?: number;
  /** Loading what counting needs, such as a vocabulary, longer than this is given up. Default 10 s. */
  readonly loadMs?: number;
  /** Tasks that may wait; those that come then are turned away. Default 32. */
  readonly maxWaiting?: number;
}

interface Waiting<Task, Answer> extends Asked<Task> {
  readonly resolve: (answer: Answer | undefined) => void;
  readonly reject: (error: Error) => void;
}

/** One worker thread counts for one request at a time; the others wait their turn. It starts when it is first needed, and is stopped when a text takes too long. */
export class CountingThread<Task, Answer> {
  readonly #options: CountingThreadOptions;
  readonly #waiting: Waiting<Task, Answer>[] = [];
  #current: Waiting<Task, Answer> | undefined;
  #worker: Worker | undefined;
  #stopTimer = (): void => {};
  #lastId = 0;
  #isClosed = false;

  constructor(options: CountingThreadOptions) {
    this.#options = options;
  }

  /**
   * Undefined: it was given up for the time it took. Rejects with CannotCount when the worker says why it can't, with CountersBusy when too many
   * wait, and with the signal's reason when that is aborted.
   */
  async run(task: Task, signal: AbortSignal): Promise<Answer | undefined> {
    signal.throwIfAborted();
    if (this.#isClosed) return undefined;
    if (this.#waiting.length >= (this.#options.maxWaiting ?? 32)) throw new CountersBusy('too many requests wait');
    const { promise, resolve, reject } = Promise.withResolvers<Answer | undefined>();
    const waiting = { id: ++this.#lastId, task, resolve, reject };
    const giveUp = (): void => {
      const index = this.#waiting.indexOf(waiting);
      if (index >= 0) this.#waiting.splice(index, 1);
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', giveUp, { once: true });
    this.#waiting.push(waiting);
    this.#startNext();
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { resolve } of this.#waiting.splice(0)) resolve(undefined);
    await this.#stop();
  }

  #startNext(): void {
    if (this.#current !== undefined) return;
    const next = this.#waiting.shift();
    if (next === undefined) return;
    this.#current = next;
    const worker = (this.#worker ??= this.#start());
    worker.ref();
    this.#limit(this.#options.loadMs ?? 10_000);
    worker.postMessage({ id: next.id, task: next.task } satisfies Asked<Task>);
  }

  #limit(limitMs: number): void {
    this.#stopTimer();
    this.#stopTimer = this.#options.clock.timer(limitMs, () => void this.#stop());
  }

  #finish(answer: Answer | undefined): void {
    this.#stopTimer();
    const current = this.#current;
    this.#current = undefined;
    this.#worker?.unref();
    current?.resolve(answer);
    this.#startNext();
  }

  #start(): Worker {
    const worker = new Worker(this.#options.module, {
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: 768 },
    });
    worker.on('message', (told: Told<Answer>) => {
      if (this.#worker !== worker || this.#current?.id !== told.id) return;
      if ('isLoaded' in told) return this.#limit(this.#options.timeLimitMs ?? 1_500);
      if ('failure' in told) this.#current.reject(new CannotCount(told.failure));
      this.#finish('answer' in told ? told.answer : undefined);
    });
    // Out of memory, or a missing vocabulary: the next task starts another one.
    worker.on('error', () => void this.#stop(worker));
    return worker;
  }

  async #stop(worker = this.#worker): Promise<void> {
    if (worker === undefined || worker !== this.#worker) return;
    this.#worker = undefined;
    const ended = worker.terminate();
    this.#finish(undefined);
    await ended;
  }
}
