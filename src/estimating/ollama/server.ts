import { z } from 'zod';
import type { Clock } from '../../clock/clock.ts';
import { CannotCount } from '../estimator.ts';
import { object } from './messages.ts';
import type { OllamaChat } from './messages.ts';

const tagList = z.object({
  models: z.array(z.object({ name: z.string(), digest: z.string(), remote_host: z.string().optional() })),
});
const loadedList = z.object({ models: z.array(z.object({ name: z.string(), digest: z.string().optional() })) });
const answered = z.object({
  _debug_info: z.object({ rendered_template: z.string() }).optional(),
  prompt_eval_count: z.int().optional(),
});

const LATEST = ':latest';
const MAX_ANSWER_BYTES = 128 * 1024 * 1024;

/** What counting asks of one Ollama. Whatever does not answer in time or not as expected is CannotCount; the caller's own abort stays one. */
export class OllamaServer {
  readonly #root: string;
  readonly #clock: Clock;

  constructor(url: string, clock: Clock) {
    this.#root = url.replace(/\/+$/, '');
    this.#clock = clock;
  }

  /** Names what a model consists of; undefined: the server does not have it. */
  async digestOf(model: string, limitMs: number, signal: AbortSignal): Promise<string | undefined> {
    const { models } = read(tagList, await this.#ask('tags', undefined, limitMs, signal));
    const found = models.find(({ name }) => name === model || name === model + LATEST);
    if (found?.remote_host) throw new CannotCount('it does not run on this Ollama, but in a cloud');
    return found?.digest;
  }

  /** By whichever of its names: Ollama lists one. */
  async isLoaded(model: string, digest: string, limitMs: number, signal: AbortSignal): Promise<boolean> {
    const { models } = read(loadedList, await this.#ask('ps', undefined, limitMs, signal));
    return models.some((loaded) => loaded.digest === digest || loaded.name === model || loaded.name === model + LATEST);
  }

  /** What `/api/show` says of it, its vocabulary included: some megabytes, not read here. */
  async show(model: string, limitMs: number, signal: AbortSignal): Promise<SharedArrayBuffer> {
    const json = await this.#ask('show', JSON.stringify({ model, verbose: true }), limitMs, signal);
    const bytes = Buffer.from(json);
    const shared = new SharedArrayBuffer(bytes.length);
    bytes.copy(new Uint8Array(shared));
    return shared;
  }

  /** The whole prompt, as the model would get it; undefined: this server does not tell. Nothing is generated, but the model is loaded. */
  async render(model: string, chat: OllamaChat, limitMs: number, signal: AbortSignal): Promise<string | undefined> {
    const answer = await this.#chat(model, chat, { _debug_render_only: 'true' }, limitMs, signal);
    return answer._debug_info?.rendered_template;
  }

  /** The tokens of a short prompt, as the server itself counts them when it runs. */
  async countByRunning(model: string, chat: OllamaChat, limitMs: number, signal: AbortSignal): Promise<number> {
    return toldTokens(await this.#chat(model, chat, {}, limitMs, signal));
  }

  /** The same of a short text that is embedded. */
  async countByEmbedding(model: string, input: string, limitMs: number, signal: AbortSignal): Promise<number> {
    const body = JSON.stringify({ model, input, truncate: false });
    return toldTokens(read(answered, await this.#ask('embed', body, limitMs, signal)));
  }

  /** A server that does not know the option for rendering would run the chat: so it may make one token only. Never truncated: that takes Ollama minutes for many messages. */
  async #chat(
    model: string,
    { messages, tools, think, format }: OllamaChat,
    more: Readonly<Record<string, string>>,
    limitMs: number,
    signal: AbortSignal,
  ): Promise<z.infer<typeof answered>> {
    const body = object({
      model: JSON.stringify(model),
      messages: `[${messages.join(',')}]`,
      tools,
      think,
      format,
      stream: 'false',
      truncate: 'false',
      options: '{"num_predict":1}',
      ...more,
    });
    return read(answered, await this.#ask('chat', body, limitMs, signal));
  }

  async #ask(path: string, body: string | undefined, limitMs: number, signal: AbortSignal): Promise<string> {
    const limit = new AbortController();
    const stop = this.#clock.timer(limitMs, () => limit.abort());
    try {
      const response = await fetch(`${this.#root}/api/${path}`, {
        redirect: 'error',
        signal: AbortSignal.any([signal, limit.signal]),
        ...(body !== undefined && { method: 'POST', body, headers: { 'content-type': 'application/json' } }),
      });
      if (!response.ok) {
        await response.body?.cancel();
        throw new CannotCount(`Ollama answers /api/${path} with status ${response.status}`);
      }
      if (Number(response.headers.get('content-length')) > MAX_ANSWER_BYTES)
        throw new CannotCount(`what Ollama answers to /api/${path} is too long`);
      return await response.text();
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof CannotCount) throw error;
      throw new CannotCount(`Ollama does not answer /api/${path}${limit.signal.aborted ? ' in time' : ''}`, {
        cause: error,
      });
    } finally {
      stop();
    }
  }
}

function toldTokens({ prompt_eval_count: tokens }: z.infer<typeof answered>): number {
  if (tokens === undefined) throw new CannotCount('Ollama did not tell how many tokens a prompt has');
  return tokens;
}

function read<Schema extends z.ZodType>(schema: Schema, json: string): z.infer<Schema> {
  try {
    return schema.parse(JSON.parse(json));
  } catch (error) {
    throw new CannotCount('what answers does not speak the API of Ollama', { cause: error });
  }
}
