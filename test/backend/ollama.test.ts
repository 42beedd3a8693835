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
];
const shown: Record<string, object> = {
  'hot:latest': { capabilities: ['completion', 'tools'], parameters: 'num_ctx    2048', model_info: {} },
  'cold:8b': {
    capabilities: ['completion', 'vision'],
    parameters: 'stop   "<|num_ctx 5|>"\nnum_ctx                        4096\ntemperature 1',
    model_info: { 'llama.context_length': 131_072 },
  },
  'long:1b': {
    capabilities: ['completion'],
    parameters: 'num_ctx 999999',
    model_info: { 'qwen2.context_length': 32_768 },
  },
  'embedder:latest': { capabilities: ['embedding'] },
  'old:1b': { model_info: { 'llama.context_length': 8192 } },
};

function answer(call: Seen): void {
  if (call.path === '/api/tags') return json(call, 200, { models: tags });
  if (call.path === '/api/ps') return json(call, 200, { models: [{ name: 'hot:latest', context_length: 8192 }] });
  const { model } = JSON.parse(call.body.toString()) as { model: string };
  const facts = shown[model];
  return facts === undefined ? json(call, 404, { error: 'model not found' }) : json(call, 200, facts);
}

describe('an Ollama', () => {
  test('tells what is loaded, and the context as loaded or as it will be; and what each model can do, where this Ollama knows', async () => {
    const upstream = await upstreamServer(answer);
    const backend = backendAt(upstream.origin);
    const expected = [
      { id: 'hot', capabilities: ['completion'], warm: true, contextTokens: 8192 },
      { id: 'hot:latest', capabilities: ['completion'], warm: true, contextTokens: 8192 },
      { id: 'cold:8b', capabilities: ['completion', 'vision'], warm: false, contextTokens: 4096 },
      { id: 'long:1b', capabilities: ['completion'], warm: false, contextTokens: 32_768 },
      { id: 'embedder', capabilities: ['embedding'], warm: false },
      { id: 'embedder:latest', capabilities: ['embedding'], warm: false },
      { id: 'old:1b', warm: false },
    ];
    expect(await backend.models()).toEqual(expected);
    expect(await backend.models()).toEqual(expected);
    const shows = upstream.seen.filter(({ path }) => path === '/api/show').map(({ body }) => body.toString());
    expect(shows.filter((body) => body.includes('cold:8b'))).toHaveLength(1);
    expect(clock.delays()).toEqual([]);
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
