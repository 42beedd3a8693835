import { Worker } from 'node:worker_threads';
import type { Clock } from '../clock/clock.ts';
import type { CheckedRequest } from '../openai/checked-request.ts';
import type { Estimator } from './estimator.ts';
import type { CountReply, CountRequest } from './openai-worker.ts';

export interface OpenAiEstimatorOptions {
  readonly clock: Clock;
  /** How long one count may take; then the safe upper bound stands. */
  readonly timeLimitMs?: number;
  /** Longer texts are not counted at all. */
  readonly maxBytes?: number;
}

const TIME_LIMIT_MS = 1_000;
const MAX_BYTES = 1024 * 1024;
/** Counts that may wait for the worker; beyond it the upper bound stands. */
const MAX_WAITING = 64;
/** Role and separators around each message, and the start of the answer: OpenAI's cookbook figures for chat models. */
const TOKENS_PER_MESSAGE = 4;
const TOKENS_PER_REQUEST = 3;

/**
 * Counts with the vocabularies of OpenAI's models (`gpt-tokenizer`), in a thread of its own. Byte pair encoding is quadratic on hostile text (100 kB of
 * one letter: 8 s), so a count that takes too long ends with its thread, and the request is priced by an upper bound that is linear: no
 * token is shorter than a byte.
 */
export function createOpenAiEstimator(options: OpenAiEstimatorOptions): Estimator {
  const { clock, timeLimitMs = TIME_LIMIT_MS, maxBytes = MAX_BYTES } = options;
  const counter = new Counter(clock, timeLimitMs);
  return {
    name: 'openai',
    estimate: async (request, signal) => {
      const overhead = TOKENS_PER_REQUEST + TOKENS_PER_MESSAGE * request.messageCount;
      const upperBound = request.promptText.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
      const counted = upperBound > maxBytes ? undefined : await counter.count(vocabularyOf(request), request.promptText);
      signal.throwIfAborted();
      return (counted ?? upperBound) + overhead;
    },
    close: () => counter.close(),
  };
}

/** GPT-4 and older use cl100k; everything since, and whatever is not of OpenAI, is counted by o200k. */
const vocabularyOf = ({ model }: CheckedRequest): CountRequest['vocabulary'] => (/^(gpt-4|gpt-3\.5)(-|$)/.test(model) && !model.startsWith('gpt-4o') ? 'cl100k_base' : 'o200k_base');

class Counter {
  readonly #clock: Clock;
  readonly #timeLimitMs: number;
  #worker: Worker | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #ids = 0;

  constructor(clock: Clock, timeLimitMs: number) {
    this.#clock = clock;
    this.#timeLimitMs = timeLimitMs;
  }

  /** Undefined: not counted, for lack of time or place. */
  async count(vocabulary: CountRequest['vocabulary'], texts: readonly string[]): Promise<number | undefined> {
    if (this.#waiting >= MAX_WAITING) return undefined;
    this.#waiting++;
    const counted = this.#queue.then(() => this.#ask({ id: this.#ids++, vocabulary, texts }));
    this.#queue = counted;
    return counted.finally(() => this.#waiting--);
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
    this.#worker = undefined;
  }

  #ask(request: CountRequest): Promise<number | undefined> {
    const worker = (this.#worker ??= this.#start());
    return new Promise((resolve) => {
      const done = (tokens: number | undefined): void => {
        stopTimer();
        worker.off('message', answered);
        worker.off('exit', ended);
        resolve(tokens);
      };
      const answered = (reply: CountReply): void => {
        if (reply.id === request.id) done(reply.tokens);
      };
      const ended = (): void => {
        this.#worker = undefined;
        done(undefined);
      };
      const stopTimer = this.#clock.timer(this.#timeLimitMs, () => void worker.terminate());
      worker.on('message', answered);
      worker.on('exit', ended);
      worker.postMessage(request);
    });
  }

  #start(): Worker {
    // Run from source by Node's type stripping, or compiled: the neighbour has the extension that this file has.
    const file = import.meta.url.endsWith('.ts') ? './openai-worker.ts' : './openai-worker.js';
    const worker = new Worker(new URL(file, import.meta.url), { execArgv: [] });
    worker.on('error', () => {}); // its exit is what counts
    worker.unref();
    return worker;
  }
}
