import { Worker } from 'node:worker_threads';
import type { Clock } from '../clock/clock.ts';
import type { CheckedRequest } from '../openai/checked-request.ts';
import { encodingOf } from './encoding.ts';
import type { Count, CountOptions, Estimator } from './estimator.ts';
import type { CountAnswer, CountTask } from './openai-worker.ts';

/** Tokens around each message (role, separators, name), as OpenAI's cookbook counts them for chat models, rounded up. */
const TOKENS_PER_MESSAGE = 4;
/** What opens the answer. */
const TOKENS_PER_REQUEST = 3;
/** Longer texts get the upper bound at once. */
const MAX_TEXT_BYTES = 8 * 1024 * 1024;

export interface OpenAiEstimatorOptions {
  readonly clock: Clock;
  /** Counting longer than this is given up for the upper bound. The first count loads the vocabulary and gets `startMs` on top. */
  readonly timeLimitMs?: number;
  readonly startMs?: number;
  /** Requests that may wait; those that come then get the upper bound at once. */
  readonly maxWaiting?: number;
}

interface Waiting {
  readonly task: CountTask;
  readonly bound: number;
  readonly resolve: (count: Count) => void;
}

/** One worker counts one request at a time; the others wait their turn. */
class OpenAiEstimator implements Estimator {
  readonly name = 'openai';
  readonly #clock: Clock;
  readonly #timeLimitMs: number;
  readonly #startMs: number;
  readonly #maxWaiting: number;
  readonly #waiting: Waiting[] = [];
  #current: Waiting | undefined;
  #worker: Worker | undefined;
  #isWarm = false;
  #stopTimer = (): void => {};
  #lastId = 0;
  #isClosed = false;

  constructor({ clock, timeLimitMs = 1500, startMs = 5000, maxWaiting = 32 }: OpenAiEstimatorOptions) {
    this.#clock = clock;
    this.#timeLimitMs = timeLimitMs;
    this.#startMs = startMs;
    this.#maxWaiting = maxWaiting;
  }

  prepare(): Promise<void> {
    return Promise.resolve();
  }

  async count(request: CheckedRequest, { signal }: CountOptions): Promise<Count> {
    signal.throwIfAborted();
    const { promptText, shape, model } = request;
    const messages = shape.system + shape.user + shape.assistant + shape.tool;
    const overhead = messages * TOKENS_PER_MESSAGE + TOKENS_PER_REQUEST;
    const bound = promptText.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    if (this.#isClosed || bound > MAX_TEXT_BYTES || this.#waiting.length >= this.#maxWaiting)
      return { tokens: bound + overhead, accuracy: 'bound' };
    const { promise, resolve, reject } = Promise.withResolvers<Count>();
    const waiting: Waiting = {
      task: { id: ++this.#lastId, encoding: encodingOf(model), texts: promptText },
      bound,
      resolve,
    };
    const giveUp = (): void => {
      const index = this.#waiting.indexOf(waiting);
      if (index >= 0) this.#waiting.splice(index, 1);
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', giveUp, { once: true });
    this.#waiting.push(waiting);
    this.#startNext();
    try {
      const { tokens, accuracy } = await promise;
      return { tokens: tokens + overhead, accuracy, ...(accuracy === 'estimate' && { textTokens: tokens }) };
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { bound, resolve } of this.#waiting.splice(0)) resolve({ tokens: bound, accuracy: 'bound' });
    await this.#stopWorker();
  }

  #startNext(): void {
    if (this.#current !== undefined) return;
    const next = this.#waiting.shift();
    if (next === undefined) return;
    this.#current = next;
    const worker = (this.#worker ??= this.#startWorker());
    worker.ref();
    this.#stopTimer = this.#clock.timer(
      this.#timeLimitMs + (this.#isWarm ? 0 : this.#startMs),
      () => void this.#stopWorker(),
    );
    worker.postMessage(next.task);
  }

  #finish(count: Count): void {
    this.#stopTimer();
    const current = this.#current;
    this.#current = undefined;
    this.#worker?.unref();
    current?.resolve(count);
    this.#startNext();
  }

  #startWorker(): Worker {
    // The same folder holds .ts when run from source and .js when built.
    const file = import.meta.url.endsWith('.ts') ? './openai-worker.ts' : './openai-worker.js';
    const worker = new Worker(new URL(file, import.meta.url), {
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: 512 },
    });
    worker.on('message', ({ id, tokens }: CountAnswer) => {
      if (this.#worker !== worker || this.#current?.task.id !== id) return;
      this.#isWarm = true;
      this.#finish({ tokens, accuracy: 'estimate' });
    });
    // Out of memory, or a missing vocabulary: the next count starts another one.
    worker.on('error', () => void this.#stopWorker(worker));
    return worker;
  }

  /** Ends the worker; what it was counting gets its upper bound. */
  async #stopWorker(worker = this.#worker): Promise<void> {
    if (worker === undefined || worker !== this.#worker) return;
    this.#worker = undefined;
    this.#isWarm = false;
    const ended = worker.terminate();
    if (this.#current !== undefined) this.#finish({ tokens: this.#current.bound, accuracy: 'bound' });
    await ended;
  }
}

/**
 * Counts with the vocabularies of OpenAI's models, in a worker thread that is stopped when a text takes too long. Whatever can not be counted in
 * time is priced by its upper bound: no token has less than one byte. What the buyer paid too much becomes credit once the real usage is known.
 */
export const createOpenAiEstimator = (options: OpenAiEstimatorOptions): Estimator => new OpenAiEstimator(options);
