import type { Clock } from '../../clock/clock.ts';
import type { CheckedRequest } from '../../openai/checked-request.ts';
import { CountingThread } from '../counting-thread.ts';
import { CannotCount } from '../estimator.ts';
import type { Count, CountOptions, Estimator } from '../estimator.ts';
import type { Engine } from '../tokenizer/vocabulary.ts';
import { chatOf } from './chat-of.ts';
import type { OllamaChat } from './messages.ts';
import { findWay, oddProbe, plainProbe } from './self-test.ts';
import type { Way } from './self-test.ts';
import { OllamaServer } from './server.ts';
import type { OllamaAnswer, OllamaTask } from './worker.ts';

export interface OllamaEstimatorOptions {
  /** Roots of the servers: `http://127.0.0.1:11434`. Of several that have a model, one is asked. */
  readonly urls: readonly string[];
  readonly clock: Clock;
  /** For one answer while a request is counted. Default 5 s. */
  readonly answerMs?: number;
  /** For one answer while a model is prepared, which may have to be loaded. Default 2 minutes. */
  readonly loadMs?: number;
  /** Counting longer than this is given up. Default 1.5 s. */
  readonly timeLimitMs?: number;
}

/** Longer texts get the upper bound at once. */
const MAX_TEXT_BYTES = 8 * 1024 * 1024;
const MAX_VOCABULARIES = 8;
/** What is sent to be rendered has at most this many times the tokens that fit: tools may be written wider than templates write them. */
const SLACK = 2;
/** Where the template's share is not known: for the bound, and before anything is learned. */
const TOKENS_PER_MESSAGE = 4;
const TOKENS_PER_REQUEST = 3;

/** What is known of a model. */
interface Ready {
  readonly server: OllamaServer;
  readonly digest: string;
  /** Undefined: the server renders no prompts. */
  readonly way: Way | undefined;
}

// The same folder holds .ts when run from source and .js when built.
const module = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);

class OllamaEstimator implements Estimator {
  readonly name = 'ollama';
  readonly #options: OllamaEstimatorOptions;
  readonly #servers: readonly OllamaServer[];
  readonly #thread: CountingThread<OllamaTask, OllamaAnswer>;
  readonly #ready = new Map<string, Ready>();
  /** By digest; the one that was used last is the last. */
  readonly #vocabularies = new Map<string, SharedArrayBuffer>();

  constructor(options: OllamaEstimatorOptions) {
    const { urls, clock, timeLimitMs = 1_500 } = options;
    this.#options = options;
    this.#servers = urls.map((url) => new OllamaServer(url, clock));
    this.#thread = new CountingThread({ module, clock, timeLimitMs });
  }

  async prepare(model: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const reasons: string[] = [];
    for (const server of this.#servers) {
      try {
        const digest = await server.digestOf(model, this.#answerMs, signal);
        if (digest === undefined) continue;
        const known = this.#ready.get(model);
        if (known?.digest === digest && known.server === server) return;
        this.#ready.set(model, await this.#examine(server, model, digest, signal));
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
    const { model, promptText, shape, images } = request;
    const chat = chatOf(request); // first of all: what Ollama refuses is not counted
    if (images.count > 0) throw new CannotCount('the tokens of images are not known');
    const around = (shape.system + shape.user + shape.assistant + shape.tool) * TOKENS_PER_MESSAGE + TOKENS_PER_REQUEST;
    const bytes = promptText.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    if (bytes > MAX_TEXT_BYTES) return { tokens: bytes + around, accuracy: 'bound' };
    if (!this.#ready.has(model)) await this.prepare(model, signal);
    const ready = this.#ready.get(model);
    if (ready === undefined) throw new CannotCount('no Ollama has it');

    const engine = ready.way?.engine ?? 'llama.cpp';
    const mostTokens = limitTokens * SLACK;
    const renders = ready.way !== undefined && (await ready.server.isLoaded(model, this.#answerMs, signal));
    if (!renders || bytes > mostTokens) {
      const tokens = await this.#tokensOf(ready, model, engine, promptText, mostTokens, signal);
      if (tokens === undefined) return { tokens: bytes + around, accuracy: 'bound' };
      // A quote makes no model load: until it is loaded for a job, what its template adds is for others to know.
      if (!renders || tokens > mostTokens) return { tokens: tokens + around, accuracy: 'estimate', textTokens: tokens };
    }
    const rendered = await ready.server.render(model, chat, this.#answerMs, signal);
    if (rendered === undefined) throw new CannotCount('Ollama did not render the prompt');
    const tokens = await this.#tokensOf(ready, model, engine, [rendered], limitTokens, signal);
    const extraTokens = ready.way?.extraTokens ?? 0;
    if (tokens === undefined) return { tokens: Buffer.byteLength(rendered) + extraTokens, accuracy: 'bound' };
    return { tokens: tokens + extraTokens, accuracy: 'exact' };
  }

  async close(): Promise<void> {
    await this.#thread.close();
  }

  get #answerMs(): number {
    return this.#options.answerMs ?? 5_000;
  }

  /** Loads the model, and lets it answer two prompts with a token each. */
  async #examine(server: OllamaServer, model: string, digest: string, signal: AbortSignal): Promise<Ready> {
    const same = [...this.#ready.values()].find((ready) => ready.digest === digest && ready.server === server);
    if (same !== undefined) return same;
    const limitMs = this.#options.loadMs ?? 120_000;
    const probe = async (chat: OllamaChat): Promise<{ rendered: string | undefined; tokens: number }> => ({
      rendered: await server.render(model, chat, limitMs, signal),
      tokens: await server.countByRunning(model, chat, limitMs, signal),
    });
    const [plain, odd] = [await probe(plainProbe), await probe(oddProbe)];
    const ready = { server, digest, way: undefined };
    const count = async (text: string, engine: Engine): Promise<number> => {
      const tokens = await this.#tokensOf(ready, model, engine, [text], Infinity, signal);
      if (tokens === undefined) throw new CannotCount('reading its vocabulary takes too long');
      return tokens;
    };
    if (plain.rendered !== undefined && odd.rendered !== undefined) {
      const [plainProbed, oddProbed] = [
        { ...plain, rendered: plain.rendered },
        { ...odd, rendered: odd.rendered },
      ];
      return { ...ready, way: await findWay(plainProbed, oddProbed, count) };
    }
    await count('', 'llama.cpp');
    return ready;
  }

  /** Undefined: it would take too long. */
  async #tokensOf(
    { server, digest }: Pick<Ready, 'server' | 'digest'>,
    model: string,
    engine: Engine,
    texts: readonly string[],
    limitTokens: number,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const shown = this.#vocabularies.get(digest) ?? (await server.show(model, this.#answerMs, signal));
    this.#vocabularies.delete(digest);
    const [oldest] = this.#vocabularies.keys();
    if (oldest !== undefined && this.#vocabularies.size >= MAX_VOCABULARIES) this.#vocabularies.delete(oldest);
    this.#vocabularies.set(digest, shown);
    const answer = await this.#thread.run({ digest, shown, engine, texts, limitTokens }, signal);
    if (answer === undefined) return undefined;
    if ('cannotCount' in answer) throw new CannotCount(answer.cannotCount);
    return answer.tokens;
  }
}

/**
 * Counts as an Ollama does: renders the prompt there, and counts it here with the model's own vocabulary, which Ollama shows. Each model is put to
 * the test before it is relied on.
 */
export const createOllamaEstimator = (options: OllamaEstimatorOptions): Estimator => new OllamaEstimator(options);
