import { z } from 'zod';
import type { Clock } from '../clock/clock.ts';
import type { CheckedRequest } from '../openai/checked-request.ts';
import type { TaskKind } from '../openai/request.ts';
import { CannotCount } from './estimator.ts';
import type { Count, CountOptions, Estimator } from './estimator.ts';

/** A server that may tell how many tokens a request has. */
export interface CountingServer {
  /** Base URL of its OpenAI API: `http://127.0.0.1:8000/v1`. */
  readonly url: string;
  readonly apiKey?: string;
}

export interface ServerEstimatorOptions {
  readonly servers: readonly CountingServer[];
  readonly clock: Clock;
  /** For one answer. Default 1.5 s. */
  readonly timeLimitMs?: number;
  /** Longer requests are not sent: a server takes minutes for some texts, even after we have left. Default 1 MiB. */
  readonly maxBytes?: number;
}

/** How a server counts; undefined: it has no such endpoint. */
type Ask = (server: CountingServer, body: Uint8Array, signal: AbortSignal) => Promise<number | undefined>;

const counted = z.object({ count: z.int().min(1) });
const rendered = z.object({ prompt: z.string() });
const tokenized = z.object({ tokens: z.array(z.unknown()).min(1) });

/** vLLM, SGLang: the chat request as it is, to `/tokenize`. */
const byTokenize: Ask = async (server, body, signal) => {
  const answer = counted.safeParse(await post(server, 'tokenize', body, signal));
  return answer.data?.count;
};

/** llama.cpp: the chat request as it is to `/apply-template`, and what comes back to `/tokenize`, as its chat endpoint does itself. */
const byTemplate: Ask = async (server, body, signal) => {
  const { data } = rendered.safeParse(await post(server, 'apply-template', body, signal));
  if (data === undefined) return undefined;
  const content = JSON.stringify({ content: data.prompt, add_special: true, parse_special: true });
  return tokenized.safeParse(await post(server, 'tokenize', Buffer.from(content), signal)).data?.tokens.length;
};

interface Way {
  readonly server: CountingServer;
  readonly ask: Ask;
}

/** Asks the server that does the work. Its answer is exact: it renders and counts as for the job itself. */
class ServerEstimator implements Estimator {
  readonly name = 'server';
  readonly taskKinds = ['openai.chat_completions.v1'] as const;
  readonly #options: ServerEstimatorOptions;
  readonly #ways = new Map<string, Way>();

  constructor(options: ServerEstimatorOptions) {
    this.#options = options;
  }

  async prepare(model: string, _taskKind: TaskKind, signal: AbortSignal): Promise<void> {
    this.#ways.delete(model);
    const probe = Buffer.from(JSON.stringify({ model, messages: [{ role: 'user', content: 'hi' }], max_tokens: 1 }));
    for (const server of this.#options.servers) {
      for (const ask of [byTemplate, byTokenize]) {
        if ((await this.#limited(signal, (limited) => ask(server, probe, limited))) === undefined) continue;
        this.#ways.set(model, { server, ask });
        return;
      }
    }
    throw new CannotCount('no server has an endpoint that counts tokens for it');
  }

  async count(request: CheckedRequest, { signal }: CountOptions): Promise<Count> {
    signal.throwIfAborted();
    const { maxBytes = 1_048_576 } = this.#options;
    const way = this.#ways.get(request.model);
    if (way === undefined) throw new CannotCount('no server has an endpoint that counts tokens for it');
    if (request.inputBytes > maxBytes) return { tokens: request.inputBytes, accuracy: 'bound' };
    const body = request.upstreamBody({ cap: 'max_tokens', usage: true });
    const tokens = await this.#limited(signal, (limited) => way.ask(way.server, body, limited));
    if (tokens === undefined) throw new CannotCount('the server did not tell the number of tokens');
    return { tokens, accuracy: 'exact' };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** A server that does not answer is one that can not count; the caller's own abort stays one. */
  async #limited<Value>(
    signal: AbortSignal,
    ask: (limited: AbortSignal) => Promise<Value>,
  ): Promise<Value | undefined> {
    const { clock, timeLimitMs = 1_500 } = this.#options;
    const limit = new AbortController();
    const stop = clock.timer(timeLimitMs, () => limit.abort());
    try {
      return await ask(AbortSignal.any([signal, limit.signal]));
    } catch {
      signal.throwIfAborted();
      return undefined;
    } finally {
      stop();
    }
  }
}

/** The JSON that a path beside `/v1` answers; undefined: none. */
async function post(
  { url, apiKey }: CountingServer,
  path: string,
  body: Uint8Array,
  signal: AbortSignal,
): Promise<unknown> {
  const root = url.replace(/\/+$/, '').replace(/\/v1$/, '');
  const response = await fetch(`${root}/${path}`, {
    method: 'POST',
    redirect: 'error',
    headers: { 'content-type': 'application/json', ...(apiKey && { authorization: `Bearer ${apiKey}` }) },
    body: Buffer.from(body),
    signal,
  });
  if (!response.ok) {
    await response.body?.cancel();
    return undefined;
  }
  return response.json();
}

/** Counts at the server itself: vLLM, SGLang, llama.cpp. */
export const createServerEstimator = (options: ServerEstimatorOptions): Estimator => new ServerEstimator(options);
