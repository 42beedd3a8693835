import type { Clock } from '../../clock/clock.ts';
import type { CheckedRequest } from '../../openai/checked-request.ts';
import { kinds } from '../../openai/request.ts';
import type { TaskKind } from '../../openai/request.ts';
import { CannotCount } from '../estimator.ts';
import type { Count, CountOptions, Estimator } from '../estimator.ts';
import { textBound, textEstimate } from '../text-count.ts';
import { MAX_TEXT_BYTES, textBytes } from '../text-size.ts';
import { chatOf, textsOf } from './chat-of.ts';
import { MAX_EXTRA } from './self-test.ts';
import { OllamaServer } from './server.ts';
import { textOf } from './text-of.ts';
import { TestedModels } from './tested-models.ts';
import { VocabularyCounter } from './vocabulary-counter.ts';

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
/** Ollama may keep room for a token before and one behind a text, whether they come or not, and llama.cpp for one more: what goes beyond is cut off. */
const SPARE_TOKENS = MAX_EXTRA + 1;

class OllamaEstimator implements Estimator {
  readonly name = 'ollama';
  readonly #answerMs: number;
  readonly #counter: VocabularyCounter;
  readonly #models: TestedModels;

  constructor({ urls, clock, answerMs = 5_000, prepareMs = 120_000, timeLimitMs = 1_500 }: OllamaEstimatorOptions) {
    this.#answerMs = answerMs;
    this.#counter = new VocabularyCounter({ clock, answerMs, timeLimitMs });
    const servers = urls.map((url) => new OllamaServer(url, clock));
    this.#models = new TestedModels({ servers, counter: this.#counter, clock, answerMs, prepareMs });
  }

  async prepare(model: string, taskKind: TaskKind, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await this.#models.prepare(model, kinds[taskKind].needs, signal);
  }

  async count(request: CheckedRequest, options: CountOptions): Promise<Count> {
    options.signal.throwIfAborted();
    const bytes = textBytes(request.promptText);
    if (bytes > MAX_TEXT_BYTES) return textBound(request);
    const isEmbedding = kinds[request.taskKind].needs === 'embedding';
    const counted = await (isEmbedding ? this.#countTexts(request, options) : this.#countChat(request, bytes, options));
    return counted ?? textBound(request);
  }

  async close(): Promise<void> {
    await this.#counter.close();
  }

  /** Undefined: it would take too long. */
  async #countChat(
    request: CheckedRequest,
    bytes: number,
    { signal, limitTokens = Infinity }: CountOptions,
  ): Promise<Count | undefined> {
    const { model, promptText, images } = request;
    const { known, isLoaded } = await this.#models.now(model, 'completion', signal);
    const { engine = 'llama.cpp', extraTokens = 0 } = known.way ?? {};
    const mostTokens = Math.min(limitTokens, LONGEST_CONTEXT) * SLACK;
    const renders = isLoaded && known.way?.renders === true;
    if (!renders || bytes > mostTokens) {
      const texts = renders ? promptText : textOf(request);
      const counts = await this.#counter.count(known, engine, texts, mostTokens, signal);
      if (counts === undefined) return undefined;
      const { partTokens, ...whole } = textEstimate(request, counts);
      if (sumOf(counts) > mostTokens) return whole; // not all was counted
      // A quote makes no model load: until it is loaded for a job, what its template makes of it is learned from jobs.
      const { lessons } = known;
      if (!renders) return { ...whole, partTokens, ...(lessons && { lessons }) };
    }
    const rendered = await known.server.render(model, chatOf(request), this.#answerMs, signal);
    if (rendered === undefined) throw new CannotCount('Ollama did not render the prompt');
    const [tokens] = (await this.#counter.count(known, engine, [rendered], limitTokens, signal)) ?? [];
    // No token has less than a byte; a space may be put before all.
    if (tokens === undefined) return { tokens: Buffer.byteLength(rendered) + 1 + extraTokens, accuracy: 'bound' };
    // An image leaves a mark or two in the prompt, besides what has a price of its own.
    return { tokens: tokens + extraTokens, accuracy: images.count === 0 ? 'exact' : 'estimate' };
  }

  /** Each text is one prompt, without a template: once the model was put to the test, its vocabulary alone tells. Undefined: it would take too long. */
  async #countTexts(request: CheckedRequest, { signal }: CountOptions): Promise<Count | undefined> {
    const { known } = await this.#models.now(request.model, 'embedding', signal);
    const texts = textsOf(request);
    const { engine = 'llama.cpp', extraTokens = MAX_EXTRA } = known.way ?? {};
    const counts = await this.#counter.count(known, engine, texts, Infinity, signal);
    if (counts === undefined) return undefined;
    return {
      tokens: Math.max(1, sumOf(counts) + texts.length * extraTokens),
      longestTextTokens: Math.max(...counts) + SPARE_TOKENS,
      accuracy: known.way === undefined ? 'estimate' : 'exact',
    };
  }
}

const sumOf = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);

/**
 * Counts as an Ollama does: renders the prompt there, and counts it, or the texts of an embedding, here with the model's own vocabulary, which
 * Ollama shows. Each model is put to the test before it is relied on.
 */
export const createOllamaEstimator = (options: OllamaEstimatorOptions): Estimator => new OllamaEstimator(options);
