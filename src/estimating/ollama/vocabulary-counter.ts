import type { Clock } from '../../clock/clock.ts';
import { beside } from '../../program/beside.ts';
import { CountingThread } from '../counting-thread.ts';
import type { Engine } from '../tokenizer/vocabulary.ts';
import type { OllamaServer } from './server.ts';
import type { OllamaTask } from './worker.ts';

/** A model where it is. */
export interface ServedModel {
  readonly server: OllamaServer;
  readonly name: string;
  /** Names what it consists of. */
  readonly digest: string;
}

export interface VocabularyCounterOptions {
  readonly clock: Clock;
  /** Until a server has shown a vocabulary. */
  readonly answerMs: number;
  /** As of the counting thread. */
  readonly timeLimitMs: number;
}

const MAX_VOCABULARIES = 8;
/** 150,000 tokens take a second, on a busy machine many. */
const READING_MS = 60_000;

const module = beside(import.meta.url, './worker');

/** Counts texts with the vocabularies of models, in a thread; keeps those that were used last, as their servers showed them. */
export class VocabularyCounter {
  readonly #answerMs: number;
  readonly #thread: CountingThread<OllamaTask, number[]>;
  /** By digest; the one that was used last is the last. */
  readonly #vocabularies = new Map<string, SharedArrayBuffer>();

  constructor({ clock, answerMs, timeLimitMs }: VocabularyCounterOptions) {
    this.#answerMs = answerMs;
    this.#thread = new CountingThread({ module, clock, timeLimitMs, loadMs: READING_MS });
  }

  /** Tokens of each text. Those behind the one that exceeds what all may have together are left out. Undefined: it would take too long. */
  async count(
    model: ServedModel,
    engine: Engine,
    texts: readonly string[],
    limitTokens: number,
    signal: AbortSignal,
  ): Promise<number[] | undefined> {
    const { server, name, digest } = model;
    const shown = this.#vocabularies.get(digest) ?? (await server.show(name, this.#answerMs, signal));
    this.#vocabularies.delete(digest);
    const [oldest] = this.#vocabularies.keys();
    if (oldest !== undefined && this.#vocabularies.size >= MAX_VOCABULARIES) this.#vocabularies.delete(oldest);
    this.#vocabularies.set(digest, shown);
    return this.#thread.run({ digest, shown, engine, texts, limitTokens }, signal);
  }

  async close(): Promise<void> {
    await this.#thread.close();
  }
}
