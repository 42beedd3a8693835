import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Backend, BackendRequest } from '../../src/backend/backend.ts';
import { createOllamaBackend } from '../../src/backend/ollama.ts';
import { createPool } from '../../src/backend/queueing-pool.ts';
import { systemClock } from '../../src/clock/clock.ts';
import { loadModel } from './ollama.ts';
import { sharedRig } from './shared-rig.ts';
import { poll } from './poll.ts';

const rig = sharedRig();
const never = new AbortController().signal;
let backend: Backend;
beforeAll(() => {
  const limits = { firstByteTimeoutMs: 60_000, idleTimeoutMs: 20_000 };
  backend = createOllamaBackend({ name: 'ollama', url: rig.ollama.url, clock: systemClock, ...limits });
});
afterAll(() => backend.close());

const chat = (stream: boolean, more: object = {}): BackendRequest => {
  const messages = [{ role: 'user', content: 'Hello there' }];
  const options = stream ? { stream, stream_options: { include_usage: true } } : {};
  const body = Buffer.from(
    JSON.stringify({ model: 'tiny', messages, max_tokens: 40, seed: 7, temperature: 0, ...options, ...more }),
  );
  return { taskKind: 'openai.chat_completions.v1', model: 'tiny', body, stream };
};

async function textOf(request: BackendRequest, signal = never): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of (await backend.run(request, signal)).body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

async function textOfDirectCall({ body }: BackendRequest, path = 'chat/completions'): Promise<string> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${rig.ollama.url}/v1/${path}`, { method: 'POST', headers, body: new Uint8Array(body) });
  expect(response.status).toBe(200);
  return await response.text();
}

/** What differs from call to call. */
const withoutIds = (text: string): string =>
  text
    .replaceAll(/"(?:id|item_id)":"[^"]*"/g, '"id":"…"')
    .replaceAll(/"(?:created|created_at|completed_at)":\d+/g, '"at":0');

describe('the Ollama driver, against a real Ollama', { timeout: 120_000 }, () => {
  it.each([false, true])('gives the bytes that a direct call gives: streamed %s', async (stream) => {
    await textOf(chat(stream));
    const text = await textOf(chat(stream));
    expect(withoutIds(text)).toBe(withoutIds(await textOfDirectCall(chat(stream))));
    expect(text).toContain('"completion_tokens":40');
    if (stream) expect(text).toMatch(/data: \[DONE\]\n\n$/);
  });

  it('takes Responses', async () => {
    const body = Buffer.from(
      JSON.stringify({ model: 'tiny', input: 'Hello there', max_output_tokens: 20, temperature: 0 }),
    );
    const text = await textOf({ taskKind: 'openai.responses.v1', model: 'tiny', body, stream: false });
    expect(JSON.parse(text)).toMatchObject({ object: 'response', usage: { output_tokens: 20 } });
  });

  it('takes embeddings, and tells which models can do them', async () => {
    const about = (await backend.models()).filter(({ capabilities }) => capabilities?.includes('embedding'));
    expect(about.map(({ id, capabilities }) => [id, capabilities])).toEqual([
      ['tiny-embed', ['embedding']],
      ['tiny-embed:latest', ['embedding']],
    ]);
    const body = Buffer.from(JSON.stringify({ model: 'tiny-embed', input: ['Hello there', 'Hello', 'Hello there'] }));
    const request = { taskKind: 'openai.embeddings.v1', model: 'tiny-embed', body, stream: false } as const;
    const text = await textOf(request);
    expect(text).toBe(await textOfDirectCall(request, 'embeddings'));
    const { data, usage } = JSON.parse(text) as { data: { embedding: number[] }[]; usage: { prompt_tokens: number } };
    expect(data[0]?.embedding).toHaveLength(64);
    expect(data[2]).toMatchObject({ embedding: data[0]?.embedding });
    expect(usage.prompt_tokens).toBeGreaterThan(3);
  });

  it('tells what is loaded, and the context of what is not yet', async () => {
    await loadModel(rig.ollama.url, 'tiny-long', false);
    await textOf(chat(false));
    const cold = await poll('tiny-long unloaded', 10_000, async () => {
      const found = (await backend.models()).find(({ id }) => id === 'tiny-long');
      return found?.warm === false ? found : undefined;
    });
    const models = await backend.models();
    const digest = expect.any(String) as string;
    const tiny = { digest, capabilities: ['completion'], warm: true, contextTokens: 8192 };
    expect(models).toContainEqual({ id: 'tiny', ...tiny });
    expect(models).toContainEqual({ id: 'tiny:latest', ...tiny });
    await backend.warm?.('tiny-long', never);
    expect((await backend.models()).find(({ id }) => id === 'tiny-long')).toEqual({ ...cold, warm: true });
  });

  it('tells no more context than its own requests get, whatever another program had the model loaded with', async () => {
    const load = (context: number) =>
      fetch(`${rig.ollama.url}/api/generate`, {
        method: 'POST',
        body: JSON.stringify({ model: 'tiny', stream: false, options: { num_ctx: context } }),
      });
    const told = async () => (await backend.models()).find(({ id }) => id === 'tiny')?.contextTokens;
    await load(16_384);
    expect(await told()).toBe(8192);
    await load(4096);
    expect(await told()).toBe(4096);
    await textOf(chat(false));
    expect(await told()).toBe(8192);
  });

  it('loads a model that embeds', async () => {
    await loadModel(rig.ollama.url, 'tiny-embed', false);
    const isWarm = async () => (await backend.models()).find(({ id }) => id === 'tiny-embed')?.warm;
    await poll('tiny-embed unloaded', 10_000, async () => (await isWarm()) === false);
    await backend.warm?.('tiny-embed', never);
    expect(await isWarm()).toBe(true);
  });

  it('calls what cannot be loaded an error that names no text', async () => {
    const error = await backend.warm?.('nothing-here', never).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'BackendError', status: 404 });
    expect(String(error)).not.toContain('nothing-here');
  });

  it('stops the work when the caller aborts: the next request need not wait', async () => {
    const abort = new AbortController();
    const endless = { model: 'tiny', messages: [{ role: 'user', content: 'Hello' }], max_tokens: 8000, stream: true };
    const answers = await Promise.all(
      Array.from({ length: 4 }, () =>
        backend.run({ ...chat(true), body: Buffer.from(JSON.stringify(endless)) }, abort.signal),
      ),
    );
    const begun = performance.now();
    abort.abort();
    await textOf(chat(false));
    expect(performance.now() - begun).toBeLessThan(2_000);
    for (const { body } of answers) {
      const reading = (async () => {
        for await (const chunk of body) expect(chunk.length).toBeGreaterThan(0);
      })();
      await expect(reading).rejects.toThrow('the call was aborted');
    }
  });

  it('calls an unknown model an error that names no text', async () => {
    const error = await textOf(chat(false, { model: 'nothing-here' })).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'BackendError', status: 404, retryable: false });
    expect(String(error)).not.toContain('nothing-here');
  });

  it('is unhealthy while Ollama is down, and comes back with it', async () => {
    const member = createOllamaBackend({
      name: 'ollama',
      url: rig.ollama.url,
      clock: systemClock,
      firstByteTimeoutMs: 20_000,
      idleTimeoutMs: 20_000,
    });
    const pool = createPool({ members: [{ backend: member, slots: 1 }], clock: systemClock, maxQueueLength: 10 });
    await pool.start();
    expect(pool.models().map(({ id }) => id)).toEqual(expect.arrayContaining(['tiny', 'tiny-long', 'tiny-brief']));
    await rig.ollama.kill();
    await pool.refresh();
    expect(pool.models()).toEqual([]);
    const waiting = pool.acquire('tiny', never);
    expect(pool.waiting()).toBe(1);
    await rig.ollama.restart();
    const slot = await waiting;
    const answer = await slot.backend.run(chat(false), never);
    for await (const chunk of answer.body) expect(chunk.length).toBeGreaterThan(0);
    slot.release();
    expect(pool.models()).not.toEqual([]);
    await pool.close();
  });
});
