import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { BackendError } from '../../src/backend/backend.ts';
import type { Backend, BackendRequest } from '../../src/backend/backend.ts';
import { createOpenAiBackend } from '../../src/backend/openai-compatible.ts';
import type { OpenAiBackendOptions } from '../../src/backend/openai-compatible.ts';
import { taskKinds } from '../../src/openai/request.ts';
import { HandClock } from './hand-clock.ts';
import { json, upstreamServer } from './upstream-server.ts';
import type { Seen } from './upstream-server.ts';

let clock: HandClock;
beforeEach(() => {
  clock = new HandClock();
});
const SECRET = 'the buyer asked for a poem about moss';
const limits = { firstByteTimeoutMs: 30_000, idleTimeoutMs: 10_000, wholeAnswerTimeoutMs: 600_000 };
const never = new AbortController().signal;

function backendAt(origin: string, more: Partial<OpenAiBackendOptions> = {}): Backend {
  return createOpenAiBackend({
    name: 'up',
    url: `${origin}/v1`,
    outputCapField: 'max_tokens',
    clock,
    ...limits,
    ...more,
  });
}

const request = (stream: boolean, more: Partial<BackendRequest> = {}): BackendRequest => ({
  taskKind: 'openai.chat_completions.v1',
  model: 'm',
  body: Buffer.from(`{"model" : "m",\n "stream":${stream}, "messages":[{"role":"user","content":"${SECRET}"}]}`),
  stream,
  ...more,
});

const sse = (call: Seen): Seen['response'] => call.response.writeHead(200, { 'content-type': 'text/event-stream' });

async function bytesOf(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function failureOf(promise: Promise<unknown>): Promise<BackendError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(BackendError);
  const told = JSON.stringify([String(error), String((error as Error).cause), (error as Error).stack]);
  expect(told).not.toContain('moss');
  return error as BackendError;
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('the bytes', () => {
  test.each([
    ['openai.chat_completions.v1', '/v1/chat/completions'],
    ['openai.responses.v1', '/v1/responses'],
  ] as const)('of a request of kind %s go up unchanged to %s', async (taskKind, path) => {
    const upstream = await upstreamServer((call) => json(call, 200, {}));
    const body = Buffer.from('{ "b":1, "a":[ 1.0, 1e3 ], "é":"\\u00e9 \u{1F9C0}", "b":2 }\n');
    const padded = Buffer.concat([Buffer.from('xxx'), body, Buffer.from('yyy')]).subarray(3, 3 + body.length);
    await backendAt(upstream.origin).run(request(false, { taskKind, body: padded }), never);
    const { headers, ...call } = await upstream.next();
    expect(call).toMatchObject({ method: 'POST', path });
    expect(sha256(call.body)).toBe(sha256(body));
    expect(headers).toEqual({
      host: upstream.origin.slice('http://'.length),
      connection: 'keep-alive',
      accept: 'application/json',
      'accept-encoding': 'identity',
      'content-type': 'application/json',
      'content-length': String(body.length),
      'user-agent': 'lcp-provider',
    });
  });

  test('of 4 MB in both directions are the same at both ends', async () => {
    const answer = Buffer.concat([
      Buffer.from('"'),
      Buffer.from(randomBytes(2_000_000).toString('hex')),
      Buffer.from('"'),
    ]);
    const upstream = await upstreamServer((call) =>
      call.response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' }).end(answer),
    );
    const body = Buffer.from(JSON.stringify({ input: randomBytes(2_000_000).toString('hex') }));
    const { contentType, body: answered } = await backendAt(upstream.origin).run(request(false, { body }), never);
    expect(contentType).toBe('application/json; charset=utf-8');
    expect(sha256(await bytesOf(answered))).toBe(sha256(answer));
    expect(sha256((await upstream.next()).body)).toBe(sha256(body));
  });

  test('of a stream pass one write at a time, before the next is written', async () => {
    const upstream = await upstreamServer();
    const running = backendAt(upstream.origin).run(request(true), never);
    const { response } = await upstream.next().then((call) => ({ response: sse(call) }));
    const writes = ['data: {"a":1}\n\nda', 'ta: \u00e9', ' split\r\n\r\n', 'data: [DONE]\n\n'].map((text) =>
      Buffer.from(text),
    );
    response.write(writes[0]!);
    const { contentType, body } = await running;
    expect(contentType).toBe('text/event-stream; charset=utf-8');
    let index = 0;
    for await (const chunk of body) {
      expect(Buffer.from(chunk)).toEqual(writes[index]);
      index += 1;
      if (index < writes.length) response.write(writes[index]!);
      else response.end();
    }
    expect(index).toBe(writes.length);
  });
});

describe('what is sent with them', () => {
  afterEach(() => vi.unstubAllEnvs());

  test('is nothing of the environment', async () => {
    vi.stubEnv('OPENAI_API_KEY', 'sk-env');
    vi.stubEnv('OPENAI_ADMIN_KEY', 'sk-admin');
    vi.stubEnv('OPENAI_BASE_URL', 'http://127.0.0.1:1/elsewhere');
    vi.stubEnv('OPENAI_ORG_ID', 'org-env');
    vi.stubEnv('OPENAI_PROJECT_ID', 'proj-env');
    vi.stubEnv('OPENAI_CUSTOM_HEADERS', 'x-env: 1\nauthorization: Bearer sk-env');
    vi.stubEnv('OPENAI_LOG', 'debug');
    const log = vi.spyOn(console, 'debug');
    const upstream = await upstreamServer((call) => json(call, 200, { data: [] }));
    const count = 2 + taskKinds.length; // a run, a list of models, and a question for each kind
    for (const apiKey of [undefined, '', 'sk-mine']) {
      const backend = backendAt(upstream.origin, apiKey === undefined ? {} : { apiKey });
      await backend.run(request(false), never);
      await backend.models();
      await backend.close();
    }
    const told = upstream.seen.map(({ headers }) => headers);
    expect(told.map((headers) => headers.authorization)).toEqual([
      ...Array(2 * count).fill(undefined),
      ...Array(count).fill('Bearer sk-mine'),
    ]);
    expect(JSON.stringify(told)).not.toMatch(/env|admin|stainless/);
    expect(log).not.toHaveBeenCalled();
  });
});

describe('an answer that is an error', () => {
  test.each([
    [400, false],
    [401, false],
    [404, false],
    [408, true],
    [413, false],
    [429, true],
    [500, true],
    [503, true],
  ])('of status %d is told without its text, retryable: %s, and asked for once', async (status, retryable) => {
    const upstream = await upstreamServer((call) =>
      json(call, status, { error: { message: SECRET, code: 'context_length_exceeded', type: SECRET, param: SECRET } }),
    );
    const error = await failureOf(backendAt(upstream.origin).run(request(true), never));
    expect(error).toMatchObject({ status, retryable, cause: undefined });
    expect(error.message).toBe(`the backend answered with status ${status} (context_length_exceeded)`);
    expect(upstream.seen).toHaveLength(1);
  });

  test.each([
    ['text instead of a code', JSON.stringify({ error: { message: SECRET, code: SECRET } })],
    ['something other than JSON', SECRET],
    ['nothing', ''],
  ])('with %s is told by its status alone', async (_, body) => {
    const upstream = await upstreamServer((call) => call.response.writeHead(500).end(body));
    const error = await failureOf(backendAt(upstream.origin).run(request(false), never));
    expect(error.message).toBe('the backend answered with status 500');
  });

  test('is not read to its end', async () => {
    const upstream = await upstreamServer((call) => call.response.writeHead(502).write(Buffer.alloc(1_000_000)));
    const failed = failureOf(backendAt(upstream.origin).run(request(false), never));
    await (
      await upstream.next()
    ).gone;
    expect(await failed).toMatchObject({ status: 502, retryable: true });
  });

  test.each(['stalls', 'breaks off'])('is told by its status also when its body %s', async (how) => {
    const upstream = await upstreamServer((call) => call.response.writeHead(503).write('{"error":'));
    const failed = failureOf(backendAt(upstream.origin).run(request(false), never));
    const call = await upstream.next();
    await clock.set(2_000);
    if (how === 'stalls') clock.advance(2_000);
    else call.response.socket?.resetAndDestroy();
    expect(await failed).toMatchObject({ status: 503, retryable: true });
    await call.gone;
    expect(clock.delays()).toEqual([]);
  });

  test('is not followed elsewhere', async () => {
    const elsewhere = await upstreamServer((call) => json(call, 200, {}));
    const upstream = await upstreamServer((call) => call.response.writeHead(307, { location: elsewhere.origin }).end());
    const error = await failureOf(backendAt(upstream.origin, { apiKey: 'sk-mine' }).run(request(false), never));
    expect(error).toMatchObject({ status: 307, retryable: false });
    expect(elsewhere.seen).toEqual([]);
  });
});

describe('an answer that does not fit', () => {
  test.each([
    ['JSON where a stream was asked for', true, { 'content-type': 'application/json' }],
    ['a stream where JSON was asked for', false, { 'content-type': 'text/event-stream' }],
    ['HTML', false, { 'content-type': 'text/html' }],
    ['without type', false, {}],
    ['compressed', false, { 'content-type': 'application/json', 'content-encoding': 'gzip' }],
  ])('is refused and its connection closed: %s', async (_, stream, headers) => {
    const upstream = await upstreamServer((call) => call.response.writeHead(200, headers).write('{}'));
    const error = await failureOf(backendAt(upstream.origin).run(request(stream), never));
    expect(error).toMatchObject({ retryable: false });
    await (
      await upstream.next()
    ).gone;
  });

  test.each([204, 200])('is refused when empty, to be tried again: status %d', async (status) => {
    const upstream = await upstreamServer((call) =>
      call.response.writeHead(status, { 'content-type': 'application/json' }).end(),
    );
    expect((await failureOf(backendAt(upstream.origin).run(request(false), never))).retryable).toBe(true);
  });
});

describe('a connection', () => {
  test('that is refused may be tried again', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    const error = await failureOf(backendAt(`http://127.0.0.1:${port}`).run(request(true), never));
    expect(error).toMatchObject({ retryable: true, status: undefined });
    expect(error.message).toBe('the backend cannot be reached (ECONNREFUSED)');
  });

  test.each(['before the headers', 'after the headers'])(
    'that breaks %s may be tried again, and is not by itself',
    async (when) => {
      const upstream = await upstreamServer((call) => {
        if (when === 'after the headers') sse(call).flushHeaders();
        call.response.socket?.resetAndDestroy();
      });
      expect((await failureOf(backendAt(upstream.origin).run(request(true), never))).retryable).toBe(true);
      expect(upstream.seen).toHaveLength(1);
    },
  );

  test.each([
    ['is reset', (call: Seen) => void call.response.socket?.resetAndDestroy()],
    ['ends without the last chunk', (call: Seen) => void call.response.socket?.end()],
  ])('that %s in the middle ends the answer with an error that forbids another try', async (_, breakIt) => {
    const upstream = await upstreamServer((call) => sse(call).write('data: 1\n\n'));
    const { body } = await backendAt(upstream.origin).run(request(true), never);
    const iterator = body[Symbol.asyncIterator]();
    expect(Buffer.from((await iterator.next()).value as Uint8Array).toString()).toBe('data: 1\n\n');
    breakIt(await upstream.next());
    const error = await failureOf(iterator.next());
    expect(error.retryable).toBe(false);
    expect(error.message).toMatch(/in the middle/);
    expect(upstream.seen).toHaveLength(1);
  });

  test('is used again after an answer that was read to its end', async () => {
    const ports = new Set<number | undefined>();
    const upstream = await upstreamServer((call) => {
      ports.add(call.response.socket?.remotePort);
      json(call, 200, {});
    });
    const backend = backendAt(upstream.origin);
    for (let count = 0; count < 3; count += 1) await bytesOf((await backend.run(request(false), never)).body);
    expect(ports.size).toBe(1);
    await backend.close();
  });
});

describe('aborting', () => {
  test('before anything was sent sends nothing', async () => {
    const upstream = await upstreamServer();
    const error = await failureOf(backendAt(upstream.origin).run(request(true), AbortSignal.abort()));
    expect(error.retryable).toBe(false);
    expect(upstream.seen).toEqual([]);
  });

  test('while nothing has come closes the connection', async () => {
    const upstream = await upstreamServer();
    const abort = new AbortController();
    const failed = failureOf(backendAt(upstream.origin).run(request(true), abort.signal));
    const call = await upstream.next();
    abort.abort();
    expect((await failed).message).toBe('the call was aborted');
    await call.gone;
  });

  test('in the middle closes the connection and ends the answer, read or not', async () => {
    const upstream = await upstreamServer((call) => sse(call).write('data: 1\n\n'));
    const backend = backendAt(upstream.origin);
    for (const isRead of [true, false]) {
      const abort = new AbortController();
      const { body } = await backend.run(request(true), abort.signal);
      const iterator = body[Symbol.asyncIterator]();
      await iterator.next();
      const waiting = isRead ? failureOf(iterator.next()) : undefined;
      abort.abort();
      await (
        await upstream.next()
      ).gone;
      expect((await (waiting ?? failureOf(iterator.next()))).message).toBe('the call was aborted');
    }
  });

  test('by a consumer that stops reading closes the connection', async () => {
    const upstream = await upstreamServer((call) => sse(call).write('data: 1\n\n'));
    const { body } = await backendAt(upstream.origin).run(request(true), never);
    for await (const chunk of body) {
      expect(chunk.length).toBe(9);
      break;
    }
    await (
      await upstream.next()
    ).gone;
  });

  test('leaves no timer and no listener behind, nor does an answer that is complete', async () => {
    const upstream = await upstreamServer((call) => json(call, 200, {}));
    const abort = new AbortController();
    const added = vi.spyOn(abort.signal, 'addEventListener');
    const removed = vi.spyOn(abort.signal, 'removeEventListener');
    await bytesOf((await backendAt(upstream.origin).run(request(false), abort.signal)).body);
    expect(removed.mock.calls.map(([, listener]) => listener)).toEqual(
      added.mock.calls.map(([, listener]) => listener),
    );
    expect(clock.delays()).toEqual([]);
  });
});

describe('time limits', () => {
  test.each([
    ['streamed', true, 'headers', limits.firstByteTimeoutMs],
    ['streamed', true, 'nothing', limits.firstByteTimeoutMs],
    ['not streamed', false, 'nothing', limits.wholeAnswerTimeoutMs],
  ])(
    'end a call whose answer, %s (%s), does not begin; it may be tried again (%s arrived)',
    async (_, stream, arrived, limitMs) => {
      const upstream = await upstreamServer((call) => {
        if (arrived === 'headers') sse(call).flushHeaders();
      });
      const failed = failureOf(backendAt(upstream.origin).run(request(stream), never));
      const call = await upstream.next();
      clock.advance(limitMs - 1);
      expect(clock.delays()).toEqual([limitMs]);
      clock.advance(1);
      const error = await failed;
      expect(error.retryable).toBe(true);
      expect(error.message).toBe(`the backend did not begin to answer within ${limitMs / 1000} s`);
      await call.gone;
    },
  );

  test('end an answer that falls silent, for good; slow is not silent', async () => {
    const upstream = await upstreamServer();
    const running = backendAt(upstream.origin).run(request(true), never);
    const call = await upstream.next();
    const response = sse(call);
    response.write('data: 0\n\n');
    const { body } = await running;
    const iterator = body[Symbol.asyncIterator]();
    await iterator.next();
    for (let count = 1; count <= 20; count += 1) {
      const next = iterator.next();
      clock.advance(limits.idleTimeoutMs - 1);
      response.write(`data: ${count}\n\n`);
      expect(Buffer.from((await next).value as Uint8Array).toString()).toBe(`data: ${count}\n\n`);
      clock.advance(limits.idleTimeoutMs * 10); // the consumer's own time does not count
    }
    const failed = failureOf(iterator.next());
    clock.advance(limits.idleTimeoutMs);
    expect(await failed).toMatchObject({
      retryable: false,
      missed: 'next-byte',
      message: 'the backend sent nothing more within 10 s',
    });
    await call.gone;
  });
});

describe('models', () => {
  test('are those that the server lists, with the context that vLLM and llama.cpp tell', async () => {
    const data = [
      { id: 'a', object: 'model', max_model_len: 4096 },
      { id: 'b', max_model_len: 'many', meta: { n_ctx_train: 8192 } },
      { id: 'c', owned_by: 'llamacpp', meta: { n_ctx: 2048, n_ctx_train: 8192 } },
      { id: 'd', meta: null },
      { id: 'e', meta: 'none' },
    ];
    const upstream = await upstreamServer((call) => json(call, 200, { object: 'list', data }));
    expect(await backendAt(upstream.origin).models()).toEqual([
      { id: 'a', contextTokens: 4096 },
      { id: 'b' },
      { id: 'c', contextTokens: 2048 },
      { id: 'd' },
      { id: 'e' },
    ]);
    expect(upstream.seen.slice(0, 1).map(({ method, path }) => `${method} ${path}`)).toEqual(['GET /v1/models']);
    expect(clock.delays()).toEqual([]);
  });

  test.each([
    ['another shape', '{"models":[]}'],
    ['no JSON', '<html>'],
  ])('that come in %s are an error', async (_, text) => {
    const upstream = await upstreamServer((call) => call.response.writeHead(200).end(text));
    expect((await failureOf(backendAt(upstream.origin).models())).message).toMatch(/lists its models in/);
  });

  test('that never come to their end are an error in time', async () => {
    const upstream = await upstreamServer((call) => call.response.writeHead(200).write('{"data":['));
    const failed = failureOf(backendAt(upstream.origin, { modelsTimeoutMs: 5_000 }).models());
    await upstream.next();
    clock.advance(5_000);
    expect((await failed).message).toBe('the backend did not list its models within 5 s');
  });
});
