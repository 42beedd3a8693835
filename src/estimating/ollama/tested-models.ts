import type { Capability } from '../../openai/request.ts';
import type { Clock } from '../../clock/clock.ts';
import { CannotCount } from '../estimator.ts';
import type { Lesson } from '../estimator.ts';
import { findWay } from './self-test.ts';
import type { Way } from './self-test.ts';
import type { OllamaServer } from './server.ts';
import { probeTemplate } from './template-probes.ts';
import type { ServedModel, VocabularyCounter } from './vocabulary-counter.ts';

/** What is known of a model. */
export interface KnownModel extends ServedModel {
  /** Undefined: the model has not been put to the test, as it was not loaded when it was looked at and a test would load it. */
  readonly way: Way | undefined;
  /** What its template was seen to do, where the server renders no prompts. */
  readonly lessons?: readonly Lesson[];
}

export interface TestedModelsOptions {
  readonly servers: readonly OllamaServer[];
  readonly counter: VocabularyCounter;
  readonly clock: Clock;
  /** For one answer while a request is counted. */
  readonly answerMs: number;
  /** For one answer while a model is put to the test. */
  readonly prepareMs: number;
}

/** Which server has a model, and how that counts its prompts or its texts: found out by a test, which counting makes no model load for. */
export class TestedModels {
  readonly #options: TestedModelsOptions;
  readonly #known = new Map<string, KnownModel>();

  constructor(options: TestedModelsOptions) {
    this.#options = options;
  }

  /** Looks at a model, and puts it to the test if it is loaded and was not tested yet. Rejects with CannotCount. */
  async prepare(name: string, use: Capability, signal: AbortSignal): Promise<void> {
    const { servers, answerMs } = this.#options;
    const key = keyOf(name, use);
    const reasons: string[] = [];
    for (const server of servers) {
      try {
        const digest = await server.digestOf(name, answerMs, signal);
        if (digest === undefined) continue;
        const known = this.#known.get(key);
        if (known?.digest === digest && known.server === server && known.way !== undefined) return;
        this.#known.set(key, await this.#tested({ server, name, digest }, use, signal));
        return;
      } catch (error) {
        if (!(error instanceof CannotCount)) throw error;
        reasons.push(error.message);
      }
    }
    this.#known.delete(key);
    throw new CannotCount(reasons.length > 0 ? reasons.join('; ') : 'no Ollama has it');
  }

  /** What is known of a model, and whether it is in memory: one that has been loaded since it was looked at is put to the test now. */
  async now(name: string, use: Capability, signal: AbortSignal): Promise<{ known: KnownModel; isLoaded: boolean }> {
    const key = keyOf(name, use);
    if (!this.#known.has(key)) await this.prepare(name, use, signal);
    const before = this.#known.get(key);
    const isLoaded = (await before?.server.isLoaded(name, before.digest, this.#options.answerMs, signal)) ?? false;
    if (isLoaded && before !== undefined && before.way === undefined) await this.prepare(name, use, signal);
    const known = this.#known.get(key);
    if (known === undefined) throw new CannotCount('no Ollama has it');
    return { known, isLoaded };
  }

  /** Names of the same model share a test. */
  async #tested(model: ServedModel, use: Capability, signal: AbortSignal): Promise<KnownModel> {
    const { counter, clock, answerMs, prepareMs } = this.#options;
    const { server, name, digest } = model;
    const same = [...this.#known].find(
      ([key, other]) =>
        key === keyOf(other.name, use) && other.digest === digest && other.server === server && other.way !== undefined,
    )?.[1];
    if (same !== undefined) return { ...same, ...model };
    if (!(await server.isLoaded(name, digest, answerMs, signal))) return { ...model, way: undefined };
    const way = await findWay(model, use, counter, prepareMs, signal);
    if (way.renders) return { ...model, way };
    const lessons = await probeTemplate(model, way.engine, counter, clock, signal);
    return { ...model, way, lessons };
  }
}

const keyOf = (model: string, use: Capability): string => `${use} ${model}`;
