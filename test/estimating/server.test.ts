import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/clock/clock.ts';
import { CannotCount } from '../../src/estimating/estimator.ts';
import { createServerEstimator } from '../../src/estimating/server.ts';
import { checkRequest } from '../../src/openai/request.ts';
import type { CheckedRequest } from '../../src/openai/request.ts';

const never = new AbortController().signal;
const CHAT = 'openai.chat_completions.v1';
const open: Server[] = [];
afterEach(() => {
  for (const server of open.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

type Answer = (path: string, body: Record<string, unknown>, request: IncomingMessage) => unknown;

/** A server on a free port that answers with what `answer` returns; undefined: 404, never: not at all. */
async function serve(answer: Answer): Promise<string> {
  const server = createServer((request, response) => {
    void json(request).then((body) => {
      const told = answer(request.url ?? '', body as Record<string, unknown>, request);
      if (told === 'silence') return;
      response.writeHead(told === undefined ? 404 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(told ?? { error: 'not found' }));
    });
  });
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
}

function request(content = 'hi there'): CheckedRequest {
  const body = JSON.stringify({ model: 'm', messages: [{ role: 'user', content }] });
  const checked = checkRequest(CHAT, Buffer.from(body), 'm', { maxOutputTokens: 10 });
  if ('refusal' in checked) throw new Error(checked.message);
  return checked;
}

const words = (text: unknown): number => String(text).split(' ').length;

describe('the server estimator', () => {
  test('asks /tokenize of vLLM with the chat as the job will send it, and the key', async () => {
    const seen: unknown[] = [];
    const url = await serve((path, body, { headers }) => {
      if (path !== '/tokenize' || body['messages'] === undefined) return undefined;
      seen.push([body['model'], headers.authorization]);
      return { count: 7, max_model_len: 4096, tokens: [] };
    });
    const estimator = createServerEstimator({ servers: [{ url, apiKey: 'k' }], clock: systemClock });
    await estimator.prepare('m', CHAT, never);
    expect(await estimator.count(request(), { signal: never })).toEqual({ tokens: 7, accuracy: 'exact' });
    expect(seen).toEqual([
      ['m', 'Bearer k'],
      ['m', 'Bearer k'],
    ]);
  });

  test('asks llama.cpp to render the chat, and counts what it rendered', async () => {
    const url = await serve((path, body) => {
      const [message] = (body['messages'] ?? []) as { content: string }[];
      if (path === '/apply-template') return { prompt: `<s> ${message?.content} </s>` };
      if (body['add_special'] !== true || body['parse_special'] !== true) return undefined;
      return { tokens: Array.from({ length: words(body['content']) }, (_, id) => id) };
    });
    const estimator = createServerEstimator({ servers: [{ url }], clock: systemClock });
    await estimator.prepare('m', CHAT, never);
    expect(await estimator.count(request('one two three'), { signal: never })).toEqual({
      tokens: 5,
      accuracy: 'exact',
    });
  });

  test('takes the first server that can', async () => {
    const plain = await serve(() => undefined);
    const able = await serve((path) => (path === '/tokenize' ? { count: 3 } : undefined));
    const estimator = createServerEstimator({ servers: [{ url: plain }, { url: able }], clock: systemClock });
    await estimator.prepare('m', CHAT, never);
    expect((await estimator.count(request(), { signal: never })).tokens).toBe(3);
  });

  test('can not count where no server tells, or where it answers nonsense', async () => {
    const plain = createServerEstimator({ servers: [{ url: await serve(() => ({})) }], clock: systemClock });
    await expect(plain.prepare('m', CHAT, never)).rejects.toThrow(CannotCount);
    await expect(plain.count(request(), { signal: never })).rejects.toThrow(CannotCount);
    let count: unknown = 3;
    const url = await serve((path) => (path === '/tokenize' ? { count } : undefined));
    const estimator = createServerEstimator({ servers: [{ url }], clock: systemClock });
    await estimator.prepare('m', CHAT, never);
    for (count of [0, 1.5, '7', null])
      await expect(estimator.count(request(), { signal: never })).rejects.toThrow(CannotCount);
  });

  test('does not wait for a server that is silent, and gives up at once with its caller', async () => {
    let isSilent = false;
    const url = await serve((path) => (path === '/tokenize' ? (isSilent ? 'silence' : { count: 3 }) : undefined));
    const rung: (() => void)[] = [];
    const clock = { nowMs: () => 0, timer: (_ms: number, ring: () => void) => (rung.push(ring), () => {}) };
    const estimator = createServerEstimator({ servers: [{ url }], clock });
    await estimator.prepare('m', CHAT, never);
    isSilent = true;
    const waiting = estimator.count(request(), { signal: never });
    rung.at(-1)?.();
    await expect(waiting).rejects.toThrow(CannotCount);
    const caller = new AbortController();
    const given = estimator.count(request(), { signal: caller.signal });
    caller.abort(new Error('gone'));
    await expect(given).rejects.toThrow('gone');
  });

  test('is not asked about a text that would keep it busy: the bytes are the bound', async () => {
    let asked = 0;
    const url = await serve((path) => (path === '/tokenize' ? { count: ++asked } : undefined));
    const estimator = createServerEstimator({ servers: [{ url }], clock: systemClock, maxBytes: 1_000 });
    await estimator.prepare('m', CHAT, never);
    const long = request('\n'.repeat(2_000));
    expect(await estimator.count(long, { signal: never })).toEqual({ tokens: long.inputBytes, accuracy: 'bound' });
    expect(asked).toBe(1);
  });
});
