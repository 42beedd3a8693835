import type { Logger } from 'pino';
import type { Clock } from '../clock/clock.ts';
import type { Backend } from './backend.ts';

/** How long a load is taken to be before one has ended. */
const FIRST_GUESS_MS = 10_000;
/** A clock that jumps must not send buyers away for an hour. */
const LONGEST_MS = 300_000;

/** Has models loaded into one backend, one at a time, and remembers how long each took. */
export class ModelLoads {
  readonly #backend: Backend;
  readonly #clock: Clock;
  readonly #log: Logger | undefined;
  readonly #tookMs = new Map<string, number>();
  readonly #abort = new AbortController();
  #current: { readonly model: string; readonly sinceMs: number } | undefined;

  constructor(backend: Backend, clock: Clock, log: Logger | undefined) {
    this.#backend = backend;
    this.#clock = clock;
    this.#log = log;
  }

  /** The model that is being loaded. */
  get current(): string | undefined {
    return this.#current?.model;
  }

  /** How long loading this one takes: what it took last, else a guess. */
  takesMs(model: string): number {
    return this.#tookMs.get(model) ?? FIRST_GUESS_MS;
  }

  /** How long what is being loaded still takes: the longer it has taken already, the longer. 0: nothing is. */
  leftMs(): number {
    if (this.#current === undefined) return 0;
    const tookMs = this.#sinceMs(this.#current.sinceMs);
    return Math.max(this.takesMs(this.#current.model) - tookMs, tookMs / 2, 1_000);
  }

  /** Never rejects. `look` is part of it: who asks meanwhile is told that it is being loaded. True: it was loaded. */
  async load(model: string, look: () => Promise<void>): Promise<boolean> {
    const { name } = this.#backend;
    const sinceMs = this.#clock.nowMs();
    this.#current = { model, sinceMs };
    try {
      await this.#backend.warm?.(model, this.#abort.signal);
      this.#tookMs.set(model, this.#sinceMs(sinceMs));
      this.#log?.info({ backend: name, model, took_ms: this.takesMs(model) }, 'model loaded');
      return true;
    } catch (error) {
      if (!this.#abort.signal.aborted)
        this.#log?.warn({ backend: name, model, reason: String(error) }, 'a model could not be loaded');
      return false;
    } finally {
      await look();
      this.#current = undefined;
    }
  }

  close(): void {
    this.#abort.abort();
  }

  #sinceMs(thenMs: number): number {
    return Math.min(Math.max(0, this.#clock.nowMs() - thenMs), LONGEST_MS);
  }
}
