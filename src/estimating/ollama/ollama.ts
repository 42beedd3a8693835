import type { Clock } from '../../clock/clock.ts';
import type { CheckedRequest } from '../../openai/checked-request.ts';
import { partTokens } from '../../openai/prompt-part.ts';
import { CannotCount } from '../estimator.ts';
import type { Count, CountOptions, Estimator, Lesson } from '../estimator.ts';
import { MAX_TEXT_BYTES, textBytes } from '../text-size.ts';
import { usualTemplateTokens } from '../usual-template.ts';
import { chatOf } from './chat-of.ts';
import { findWay } from './self-test.ts';
import { textOf } from './text-of.ts';
import type { Way } from './self-test.ts';
import { OllamaServer } from './server.ts';
import { probeTemplate } from './template-probes.ts';
import { VocabularyCounter } from './vocabulary-counter.ts';
import type { ServedModel } from './vocabulary-counter.ts';

export interface OllamaEstimatorOptions {
  /** Roots of the servers: `http://127.0.0.1:11434`. Of several that have a model, one is asked. */
  readonly urls: readonly string[];
  readonly clock: Clock;
  /** For one answer while a request is counted. Default 5 s. */
  readonly answerMs?: number;
  /** For one answer while a model is prepared, which may have to be loaded. Default 2 minutes. */
  readonly prepareMs?: number;
  /** Counting longer than this is given up. Default 1.5 s. */
  readonly timeLimitMs?: number;
}

/** What is sent to be rendered has at most this many times the tokens that fit: tools may be written wider than templates write them. */
const SLACK = 2;
/** For a model whose context nobody told: longer prompts are not sent to be rendered. */
const LONGEST_CONTEXT = 262_144;

/** What is known of a model. */
interface Ready extends ServedModel {
  /** Undefined: the model has not been put to the test. */
  readonly way: Way | undefined;
  /** False: it was not loaded when it was looked at, and a test would load it. */
  readonly isTested: boolean;
  /** What its template was seen to do, where the server renders no prompts. */
  readonly lessons?: readonly Lesson[];
}

class OllamaEstimator implements Estimator {
  readonly name = 'ollama';
  readonly #options: OllamaEstimatorOptions;
  readonly #servers: readonly OllamaServer[];
  readonly #counter: VocabularyCounter;
  readonly #ready = new Map<string, Ready>();

  constructor(options: OllamaEstimatorOptions) {
    const { urls, clock, timeLimitMs = 1_500 } = options;
    this.#options = options;
    this.#servers = urls.map((url) => new OllamaServer(url, clock));
    this.#counter = new VocabularyCounter({ clock, answerMs: this.#answerMs, timeLimitMs });
  }

  async prepare(model: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const reasons: string[] = [];
    for (const server of this.#servers) {
      try {
        const digest = await server.digestOf(model, this.#answerMs, signal);
        if (digest === undefined) continue;
        const known = this.#ready.get(model);
        if (known?.digest === digest && known.server === server && known.isTested) return;
        this.#ready.set(model, await this.#tested({ server, name: model, digest }, signal));
        return;
      } catch (error) {
        if (!(error instanceof CannotCount)) throw error;
        reasons.push(error.message);
      }
    }
    this.#ready.delete(model);
    throw new CannotCount(reasons.length > 0 ? reasons.join('; ') : 'no Ollama has it');
  }

  async count(request: CheckedRequest, { signal, limitTokens = Infinity }: CountOptions): Promise<Count> {
    signal.throwIfAborted();
    const { model, promptText, promptParts, shape, images } = request;
    const around = usualTemplateTokens(shape);
    const bytes = textBytes(promptText);
    if (bytes > MAX_TEXT_BYTES) return { tokens: bytes + around, accuracy: 'bound' };
    const { ready, isLoaded } = await this.#readyNow(model, signal);

    const engine = ready.way?.engine ?? 'llama.cpp';
    const mostTokens = Math.min(limitTokens, LONGEST_CONTEXT) * SLACK;
    const renders = isLoaded && ready.way?.extraTokens !== undefined && images.count === 0; // images have a price of their own
    if (!renders || bytes > mostTokens) {
      const texts = renders ? promptText : textOf(request);
      const counts = await this.#counter.count(ready, engine, texts, mostTokens, signal);
      if (counts === undefined) return { tokens: bytes + around, accuracy: 'bound' };
      const tokens = counts.reduce((sum, count) => sum + count, 0);
      if (tokens > mostTokens) return { tokens: tokens + around, accuracy: 'estimate' };
      // A quote makes no model load: until it is loaded for a job, what its template adds is for others to know.
      if (!renders)
        return {
          tokens: tokens + around,
          accuracy: 'estimate',
          partTokens: partTokens(promptParts, counts),
          ...(ready.lessons && { lessons: ready.lessons }),
        };
    }
    const rendered = await ready.server.render(model, chatOf(request), this.#answerMs, signal);
    if (rendered === undefined) throw new CannotCount('Ollama did not render the prompt');
    const [tokens] = (await this.#counter.count(ready, engine, [rendered], limitTokens, signal)) ?? [];
    const extraTokens = ready.way?.extraTokens ?? 0;
    // No token has less than a byte; a space may be put before all.
    if (tokens === undefined) return { tokens: Buffer.byteLength(rendered) + 1 + extraTokens, accuracy: 'bound' };
    return { tokens: tokens + extraTokens, accuracy: 'exact' };
  }

  async close(): Promise<void> {
    await this.#counter.close();
  }

  get #answerMs(): number {
    return this.#options.answerMs ?? 5_000;
  }

  get #prepareMs(): number {
    return this.#options.prepareMs ?? 120_000;
  }

  /** What is known of a model, and whether it is in memory: one that has been loaded since it was looked at is put to the test now. */
  async #readyNow(model: string, signal: AbortSignal): Promise<{ ready: Ready; isLoaded: boolean }> {
    if (!this.#ready.has(model)) await this.prepare(model, signal);
    const known = this.#ready.get(model);
    const isLoaded = (await known?.server.isLoaded(model, known.digest, this.#answerMs, signal)) ?? false;
    if (isLoaded && known?.isTested === false) await this.prepare(model, signal);
    const ready = this.#ready.get(model);
    if (ready === undefined) throw new CannotCount('no Ollama has it');
    return { ready, isLoaded };
  }

  /** Names of the same model share a test. Counting makes no model load: whose memory that takes is for others to decide. */
  async #tested(model: ServedModel, signal: AbortSignal): Promise<Ready> {
    const { server, name, digest } = model;
    const isSame = (other: Ready): boolean => other.digest === digest && other.server === server && other.isTested;
    const same = [...this.#ready.values()].find(isSame);
    if (same !== undefined) return { ...same, ...model };
    if (!(await server.isLoaded(name, digest, this.#answerMs, signal)))
      return { ...model, way: undefined, isTested: false };
    const way = await findWay(model, this.#counter, this.#prepareMs, signal);
    if (way.extraTokens !== undefined) return { ...model, way, isTested: true };
    const lessons = await probeTemplate(model, way.engine, this.#counter, this.#options.clock, signal);
    return { ...model, way, isTested: true, lessons };
  }
}

/**
 * Counts as an Ollama does: renders the prompt there, and counts it here with the model's own vocabulary, which Ollama shows. Each model is put to
 * the test before it is relied on.
 */
export const createOllamaEstimator = (options: OllamaEstimatorOptions): Estimator => new OllamaEstimator(options);
