import { describe, expect, test } from 'vitest';
import type { Backend, TaskKind } from '../../src/backend/backend.ts';
import { createOpenAiBackend } from '../../src/backend/openai-compatible.ts';
import type { OpenAiBackendOptions } from '../../src/backend/openai-compatible.ts';
import { HandClock } from './hand-clock.ts';
import { json, upstreamServer } from './upstream-server.ts';
import type { Seen } from './upstream-server.ts';

const CHATS = 'openai.chat_completions.v1';
const EMBEDDINGS = 'openai.embeddings.v1';
const never = new AbortController().signal;
const clock = new HandClock();

const backendAt = (origin: string, more: Partial<OpenAiBackendOptions> = {}): Backend =>
  createOpenAiBackend({
    name: 'up',
    url: `${origin}/v1/`,
    outputCapField: 'max_tokens',
    clock,
    firstByteTimeoutMs: 30_000,
    idleTimeoutMs: 10_000,
    modelsTimeoutMs: 5_000,
    ...more,
  });

/** A server with one model that answers an empty request for responses in its own way, and takes chats and embeddings. */
const serverThat = (responses: (call: Seen) => void) =>
  upstreamServer((call) => {
    if (call.path === '/v1/models') return json(call, 200, { data: [{ id: 'm' }] });
    if (call.path === '/v1/responses') return responses(call);
    json(call, 400, { error: { message: 'messages: field required', code: 400 } });
  });
const kindsOf = async (backend: Backend): Promise<readonly TaskKind[] | undefined> =>
  (await backend.models())[0]?.taskKinds;
const questions = (seen: readonly Seen[]): number => seen.filter(({ method }) => method === 'POST').length;

describe('the work that a server takes', () => {
  test.each([
    ['FastAPI has no such path', 404, '{"detail":"Not Found"}'],
    ['llama.cpp has no such path', 404, '{"error":{"code":404,"message":"File Not Found","type":"not_found_error"}}'],
    ['a page says so', 404, '<html>404 page not found; try <a href="/v1/models">'],
    ['nothing is said', 404, ''],
    ['another method is wanted', 405, '{"detail":"Method Not Allowed"}'],
    ['its model was not loaded for it', 501, '{"error":"the model does not support embeddings"}'],
    ['it was not started for it', 501, '{"error":{"code":501,"message":"This server does not support embeddings"}}'],
  ])('is what does not say that it is missing: %s', async (_what, status, text) => {
    const upstream = await serverThat((call) => call.response.writeHead(status).end(text));
    const backend = backendAt(upstream.origin);
    expect(await kindsOf(backend)).toEqual([CHATS, EMBEDDINGS]);
    const asked = upstream.seen.slice(1).map(({ method, path, body }) => `${method} ${path} ${body.toString()}`);
    expect(asked.toSorted()).toEqual([
      'POST /v1/chat/completions {}',
      'POST /v1/embeddings {}',
      'POST /v1/responses {}',
    ]);
    expect(clock.delays()).toEqual([]);
    await backend.close();
  });

  test.each([
    ['the request is refused', 400, '{}'],
    ['the key is', 401, '{}'],
    ['the fields are', 422, '{}'],
    ['the server stumbles', 500, '{}'],
    ['it answers', 200, '{}'],
    ['the model is missing', 404, '{"error":{"message":"no such thing","code":"model_not_found"}}'],
    ['the model is missing, as Ollama says it', 404, '{"error":{"message":"model \'\' not found"}}'],
  ])('is everything when a path is there: %s; and is not asked for again', async (_what, status, text) => {
    const upstream = await serverThat((call) => call.response.writeHead(status).end(text));
    const backend = backendAt(upstream.origin);
    expect(await backend.models()).toEqual([{ id: 'm' }]);
    expect(await backend.models()).toEqual([{ id: 'm' }]);
    expect(questions(upstream.seen)).toBe(3);
    await backend.close();
  });

  test.each([
    ['starts', (call: Seen) => json(call, 503, { error: { message: 'Loading model' } })],
    ['breaks off', (call: Seen) => void call.response.socket?.resetAndDestroy()],
  ])('stays open while the server %s, and is asked for again', async (_what, stumble) => {
    let isReady = false;
    const upstream = await serverThat((call) => (isReady ? json(call, 404, {}) : stumble(call)));
    const backend = backendAt(upstream.origin);
    expect(await kindsOf(backend)).toBeUndefined();
    isReady = true;
    expect(await kindsOf(backend)).toEqual([CHATS, EMBEDDINGS]);
    expect(questions(upstream.seen)).toBe(4);
    await backend.close();
  });

  test('stays open where a server says nothing in time, or begins an answer that nobody wants', async () => {
    const upstream = await serverThat(() => undefined);
    const backend = backendAt(upstream.origin);
    const listed = kindsOf(backend);
    const calls = [await upstream.next(), await upstream.next(), await upstream.next(), await upstream.next()];
    await clock.set(5_000);
    clock.advance(5_000);
    expect(await listed).toBeUndefined();
    await calls.find(({ path }) => path === '/v1/responses')?.gone;
    expect(clock.delays()).toEqual([]);

    const generous = await serverThat((call) => call.response.writeHead(200).write('data: {}\n\n'));
    const other = backendAt(generous.origin);
    expect(await kindsOf(other)).toBeUndefined();
    await generous.seen.find(({ path }) => path === '/v1/responses')?.gone;
  });

  test('is asked for again after the server was away', async () => {
    let isThere = true;
    let takes = false;
    const upstream = await upstreamServer((call) => {
      if (!isThere) return void call.response.socket?.resetAndDestroy();
      if (call.path === '/v1/models') return json(call, 200, { data: [{ id: 'm' }] });
      json(call, call.path === '/v1/responses' && !takes ? 404 : 400, {});
    });
    const backend = backendAt(upstream.origin);
    expect(await kindsOf(backend)).toEqual([CHATS, EMBEDDINGS]);
    isThere = false;
    await expect(backend.models()).rejects.toThrow('cannot be reached');
    [isThere, takes] = [true, true];
    expect(await kindsOf(backend)).toBeUndefined();
    await backend.close();
  });

  test.each([
    ['is answered with 404', (call: Seen) => json(call, 404, {})],
    ['is not answered', (call: Seen) => void call.response.socket?.resetAndDestroy()],
  ])('is asked for again after a job that %s', async (_what, refuse) => {
    let isGone = false;
    const upstream = await serverThat((call) => (isGone ? refuse(call) : json(call, 400, {})));
    const backend = backendAt(upstream.origin);
    expect(await kindsOf(backend)).toBeUndefined();
    isGone = true;
    const request = {
      taskKind: 'openai.responses.v1',
      model: 'm',
      body: Buffer.from('{"model":"m"}'),
      stream: false,
    } as const;
    await expect(backend.run(request, never)).rejects.toThrow('the backend');
    await backend.models();
    expect(questions(upstream.seen)).toBe(3 + 1 + 3);
    await backend.close();
  });

  test('is what the owner says, without a question', async () => {
    const upstream = await serverThat((call) => json(call, 404, {}));
    const backend = backendAt(upstream.origin, { taskKinds: ['openai.responses.v1'] });
    expect(await backend.models()).toEqual([{ id: 'm', taskKinds: ['openai.responses.v1'] }]);
    expect(questions(upstream.seen)).toBe(0);
    await backend.close();
  });
});
