import { describe, expect, test, vi } from 'vitest';
import type { Backend } from '../../src/backend/backend.ts';
import { createOllamaBackend } from '../../src/backend/ollama.ts';
import { HandClock } from './hand-clock.ts';
import { json, upstreamServer } from './upstream-server.ts';
import type { Seen } from './upstream-server.ts';

const clock = new HandClock();
const backendAt = (origin: string): Backend =>
  createOllamaBackend({ name: 'o', url: `${origin}/`, clock, firstByteTimeoutMs: 1000, idleTimeoutMs: 1000 });

const tags = [
  { name: 'hot:latest', digest: 'd1' },
  { name: 'cold:8b', digest: 'd2' },
  { name: 'long:1b', digest: 'd3' },
  { name: 'embedder:latest', digest: 'd4' },
  { name: 'old:1b', digest: 'd5' },
  { name: 'deleted:1b', digest: 'd6' },
  { name: 'copy:latest', digest: 'd1' },
];
const shown: Record<string, object> = {
  'hot:latest': { capabilities: ['completion', 'tools'], parameters: 'num_ctx    4096', model_info: {} },
  'copy:latest': { capabilities: ['completion'], parameters: 'num_ctx 4096' },
  'cold:8b': {
    capabilities: ['completion', 'vision'],
    parameters: 'stop   "<|num_ctx 5|>"\nnum_ctx                        4096\ntemperature 1',
    model_info: { 'llama.context_length': 131_072, 'llama.mm.tokens_per_image': 256 },
  },
  'long:1b': {
    capabilities: ['completion'],
    parameters: 'num_ctx 999999',
    model_info: { 'qwen2.context_length': 32_768 },
  },
  'embedder:latest': { capabilities: ['embedding'] },
  'old:1b': { model_info: { 'llama.context_length': 8192 } },
};

const loaded = [
  { name: 'hot:latest', digest: 'd1', context_length: 2048 },
  { name: 'long:1b', digest: 'd3', context_length: 131_072 },
];

function answer(call: Seen): void {
  if (call.path === '/api/tags') return json(call, 200, { models: tags });
  if (call.path === '/api/ps') return json(call, 200, { models: loaded });
  const { model } = JSON.parse(call.body.toString()) as { model: string };
  const facts = shown[model];
  return facts === undefined ? json(call, 404, { error: 'model not found' }) : json(call, 200, facts);
}

describe('the room for a text that an Ollama embeds', () => {
  const roomOf = async (about: { parameters?: string; model_info: object }): Promise<number | undefined> => {
    const upstream = await upstreamServer((call) => {
      if (call.path === '/api/tags') return json(call, 200, { models: [{ name: 'e', digest: 'd9' }] });
      if (call.path === '/api/ps')
        return json(call, 200, { models: [{ name: 'e', digest: 'd9', context_length: 8192 }] });
      return json(call, 200, { capabilities: ['embedding'], ...about });
    });
    return (await backendAt(upstream.origin).models())[0]?.contextTokens;
  };

  test.each([
    ['is the context, where the last token alone makes the vector', { model_info: { 'qwen3.pooling_type': 3 } }, 8192],
    ['is what Ollama takes at once, where all tokens make it', { model_info: { 'bert.pooling_type': 1 } }, 2048],
    [
      'is what the model file says is taken at once',
      { parameters: 'num_batch 4096', model_info: { 'bert.pooling_type': 2 } },
      4096,
    ],
    [
      'is what the model file says is its context',
      { parameters: 'num_ctx   512', model_info: { 'bert.pooling_type': 1 } },
      512,
    ],
  ])('%s', async (_what, about, tokens) => expect(await roomOf(about)).toBe(tokens));
});

describe('an Ollama', () => {
  test('tells what is loaded, under any name, the least of the context as loaded and as it will be, and what each model can do, where this Ollama knows', async () => {
    const upstream = await upstreamServer(answer);
    const backend = backendAt(upstream.origin);
    const hot = { digest: 'd1', capabilities: ['completion'], warm: true, contextTokens: 2048 };
    const embedder = { digest: 'd4', capabilities: ['embedding'], warm: false };
    const expected = [
      { id: 'hot', ...hot },
      { id: 'hot:latest', ...hot },
      {
        id: 'cold:8b',
        digest: 'd2',
        capabilities: ['completion', 'vision'],
        warm: false,
        contextTokens: 4096,
        imageTokens: { most: 256 },
      },
      { id: 'long:1b', digest: 'd3', capabilities: ['completion'], warm: true, contextTokens: 32_768 },
      { id: 'embedder', ...embedder },
      { id: 'embedder:latest', ...embedder },
      { id: 'old:1b', digest: 'd5', warm: false },
      { id: 'copy', ...hot },
      { id: 'copy:latest', ...hot },
    ];
    expect(await backend.models()).toEqual(expected);
    expect(await backend.models()).toEqual(expected);
    const shows = upstream.seen.filter(({ path }) => path === '/api/show').map(({ body }) => body.toString());
    expect(shows.filter((body) => body.includes('cold:8b'))).toHaveLength(1);
    expect(clock.delays()).toEqual([]);
  });

  test('that is older than responses is not sold for them', async () => {
    const upstream = await upstreamServer((call) => {
      if (call.path === '/v1/responses') return call.response.writeHead(404).end('404 page not found');
      if (call.path.startsWith('/v1/')) return json(call, 400, { error: { message: 'invalid input' } });
      answer(call);
    });
    const backend = backendAt(upstream.origin);
    const models = await backend.models();
    expect(new Set(models.map(({ taskKinds = [] }) => taskKinds.join(' ')))).toEqual(
      new Set(['openai.chat_completions.v1 openai.embeddings.v1']),
    );
    expect(clock.delays()).toEqual([]);
    await backend.close();
  });

  test('loads a model by a request without a prompt', async () => {
    const upstream = await upstreamServer((call) => json(call, 200, { done: true, done_reason: 'load' }));
    await backendAt(upstream.origin).warm?.('cold:8b', new AbortController().signal);
    const call = await upstream.next();
    expect(call.path).toBe('/api/generate');
    expect(JSON.parse(call.body.toString())).toEqual({ model: 'cold:8b', prompt: '', stream: false });
    expect(clock.delays()).toEqual([]);
  });

  test('loads a model that can not generate as one that embeds', async () => {
    const upstream = await upstreamServer((call) =>
      call.path === '/api/embed' ? json(call, 200, { embeddings: [] }) : json(call, 400, { error: 'does not support' }),
    );
    await backendAt(upstream.origin).warm?.('embedder', new AbortController().signal);
    expect(upstream.seen.map(({ path }) => path)).toEqual(['/api/generate', '/api/embed']);
    expect(JSON.parse(upstream.seen[1]!.body.toString())).toEqual({ model: 'embedder', input: '' });
  });

  test('that does not load a model in time, or does not have it, is an error; who stops waiting is gone at once', async () => {
    const upstream = await upstreamServer();
    const abort = new AbortController();
    const load = (model: string, signal = new AbortController().signal) => {
      const loading = backendAt(upstream.origin).warm?.(model, signal);
      loading?.catch(() => {});
      return loading;
    };
    const [late, stopped, missing] = [load('a'), load('b', abort.signal), load('c')];
    const calls = [await upstream.next(), await upstream.next(), await upstream.next()];
    const callFor = (model: string) => calls.find(({ body }) => body.includes(`"${model}"`))!;
    json(callFor('c'), 404, { error: 'model moss not found' });
    await expect(missing).rejects.toThrow(/^the backend answered with status 404$/);
    abort.abort();
    await expect(stopped).rejects.toThrow('the call was aborted');
    await callFor('b').gone;
    clock.advance(1_000);
    await expect(late).rejects.toThrow('the model was not loaded within 1 s');
  });

  test('takes inference at its OpenAI-compatible endpoint, with the exact bytes', async () => {
    const upstream = await upstreamServer((call) => json(call, 200, {}));
    const body = Buffer.from('{"model":"hot",  "messages":[]}');
    const request = { taskKind: 'openai.chat_completions.v1', model: 'hot', body, stream: false } as const;
    await backendAt(upstream.origin).run(request, new AbortController().signal);
    const call = await upstream.next();
    expect(call.path).toBe('/v1/chat/completions');
    expect(call.body).toEqual(body);
  });

  test.each([
    [
      'answers with an error',
      (call: Seen) => void call.response.writeHead(503).end('Server busy, moss'),
      /status 503$/,
      true,
    ],
    [
      'is something else, in JSON',
      (call: Seen) => json(call, 200, { data: [] }),
      /does not speak the API of Ollama/,
      false,
    ],
    [
      'is something else',
      (call: Seen) => void call.response.writeHead(200).end('<html>moss'),
      /does not speak the API of Ollama/,
      false,
    ],
    ['hangs up', (call: Seen) => void call.response.socket?.destroy(), /cannot be reached \(ECONNRESET\)/, true],
  ])('that %s gives an error that can be logged, and prints nothing', async (_, respond, message, retryable) => {
    const print = vi.spyOn(console, 'log');
    const upstream = await upstreamServer(respond);
    const error = await backendAt(upstream.origin)
      .models()
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'BackendError', retryable, message: expect.stringMatching(message) as string });
    expect(String((error as Error).cause)).not.toContain('moss');
    expect(print).not.toHaveBeenCalled();
  });

  test('that does not answer is an error in time', async () => {
    const upstream = await upstreamServer();
    const failing = backendAt(upstream.origin).models();
    const calls = [await upstream.next(), await upstream.next()];
    clock.advance(10_000);
    await expect(failing).rejects.toThrow('the backend did not list its models within 10 s');
    await Promise.all(calls.map((call) => call.gone));
  });
});
