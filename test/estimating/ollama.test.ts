import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/clock/clock.ts';
import { CannotCount } from '../../src/estimating/estimator.ts';
import type { Estimator } from '../../src/estimating/estimator.ts';
import { createOllamaEstimator } from '../../src/estimating/ollama/ollama.ts';
import { createTokenizer } from '../../src/estimating/tokenizer/tokenizer.ts';
import type { Tokenizer } from '../../src/estimating/tokenizer/tokenizer.ts';
import { readVocabulary } from '../../src/estimating/tokenizer/vocabulary.ts';
import type { Engine } from '../../src/estimating/tokenizer/vocabulary.ts';
import { checkRequest } from '../../src/openai/request.ts';
import type { CheckedRequest } from '../../src/openai/request.ts';
import { bytePairVocabulary } from './tokenizer/sample-vocabularies.ts';

const never = new AbortController().signal;
const CHAT = 'openai.chat_completions.v1';
const EMBEDDING = 'openai.embeddings.v1';
const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

interface Script {
  /** How it counts: an engine, with a token before each prompt; or its own way. */
  engine?: Engine;
  tokensOf?: (prompt: string) => number;
  renders?: boolean;
  takesTools?: boolean;
  /** Told of each chat that it runs. */
  onRun?: () => void;
  isLoaded?: boolean;
  pre?: string;
  digest?: string;
  models?: string[];
}

type Message = { role: string; content: string };

const tokenizers = new Map<Engine, Tokenizer>();

function tokenizerOf(engine: Engine): Tokenizer {
  const shown = JSON.stringify(bytePairVocabulary('qwen2'));
  const tokenizer = tokenizers.get(engine) ?? createTokenizer(readVocabulary(shown), engine);
  tokenizers.set(engine, tokenizer);
  return tokenizer;
}

/** Plays the parts of Ollama's API that counting uses; what real ones answer is compared in test/rig. */
async function serve(script: Script): Promise<{ url: string; asked: string[]; script: Script }> {
  const asked: string[] = [];
  const shown = JSON.stringify(bytePairVocabulary(script.pre ?? 'qwen2'));
  const tokenizer = tokenizerOf(script.engine ?? 'llama.cpp');
  const tokensOf = (prompt: string): number => script.tokensOf?.(prompt) ?? 1 + tokenizer.count(prompt);
  const answer = (path: string, body: Record<string, unknown>): unknown => {
    const models = (script.models ?? ['m:latest']).map((name) => ({ name, digest: script.digest ?? 'd1' }));
    if (path === '/api/tags') return { models };
    if (path === '/api/ps') return { models: script.isLoaded === false ? [] : models };
    if (path === '/api/embed') {
      asked.push('embed');
      return { embeddings: [[1]], prompt_eval_count: tokensOf(body['input'] as string) };
    }
    if (path !== '/api/chat') return undefined;
    asked.push(body['_debug_render_only'] === true ? 'render' : 'run');
    const messages = body['messages'] as Message[];
    const prompt = messages.map(({ role, content }) => `<|im_start|>${role}\n${content}<|im_end|>\n`).join('');
    if (body['_debug_render_only'] === true && script.renders !== false)
      return { _debug_info: { rendered_template: prompt } };
    if (body['tools'] !== undefined && script.takesTools === false) return undefined;
    script.onRun?.();
    return { message: { content: 'a' }, prompt_eval_count: tokensOf(prompt) };
  };
  const server: Server = createServer((request, response) => {
    void text(request).then((body) => {
      const told = request.url === '/api/show' ? shown : JSON.stringify(answer(request.url ?? '', parse(body)));
      response.writeHead(told === undefined ? 404 : 200, { 'content-type': 'application/json' });
      response.end(told);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  opened.push({
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, script };
}

const parse = (body: string): Record<string, unknown> => (body === '' ? {} : JSON.parse(body)) as never;

function estimatorOf(...urls: string[]): Estimator {
  const estimator = createOllamaEstimator({ urls, clock: systemClock, timeLimitMs: 20_000 });
  opened.push(estimator);
  return estimator;
}

function chat(content: string, more: object = {}, allowImages = false): CheckedRequest {
  const body = JSON.stringify({ model: 'm', messages: [{ role: 'user', content }], ...more });
  const checked = checkRequest(CHAT, Buffer.from(body), 'm', {
    maxOutputTokens: 10,
    allowImages,
  });
  if ('refusal' in checked) throw new Error(checked.message);
  return checked;
}

function texts(...input: string[]): CheckedRequest {
  const body = JSON.stringify({ model: 'm', input: input.length === 1 ? input[0] : input });
  const checked = checkRequest(EMBEDDING, Buffer.from(body), 'm', { maxOutputTokens: 10 });
  if ('refusal' in checked) throw new Error(checked.message);
  return checked;
}

const TEXT = `It's${' '.repeat(777)}a text\u00a0with 漢字 and <|im_start|> and 12345.`;

describe('the ollama estimator', () => {
  test.each<Engine>(['llama.cpp', 'ollama'])('finds out by itself that %s counts, and counts so', async (engine) => {
    const { url } = await serve({ engine });
    const estimator = estimatorOf(url);
    await estimator.prepare('m', CHAT, never);
    const { tokens, accuracy } = await estimator.count(chat(TEXT), { signal: never });
    expect(accuracy).toBe('exact');
    expect(tokens).toBe(1 + tokenizerOf(engine).count(`<|im_start|>user\n${TEXT}<|im_end|>\n`));
  });

  test('tests a model once, and again when it has become another', async () => {
    const { url, asked, script } = await serve({});
    const estimator = estimatorOf(url);
    for (let round = 0; round < 3; round++) await estimator.prepare('m', CHAT, never);
    expect(asked).toEqual(['render', 'render', 'run', 'run']);
    script.digest = 'd2';
    await estimator.prepare('m', CHAT, never);
    expect(asked).toHaveLength(8);
  });

  test('refuses a model that Ollama counts otherwise, and says how far off it would be', async () => {
    const { url } = await serve({ tokensOf: (prompt) => (prompt.length > 99 ? 400 : 12) });
    await expect(estimatorOf(url).prepare('m', CHAT, never)).rejects.toThrow(/probe has 400 tokens there and \d+ here/);
  });

  test('refuses a vocabulary whose splitting it does not know', async () => {
    const { url } = await serve({ pre: 'kimi-k2' });
    await expect(estimatorOf(url).prepare('m', CHAT, never)).rejects.toThrow('"kimi-k2"');
  });

  test('sends nothing to be rendered that does not fit', async () => {
    const { url, asked } = await serve({});
    const estimator = estimatorOf(url);
    await estimator.prepare('m', CHAT, never);
    asked.length = 0;
    const { tokens } = await estimator.count(chat('word '.repeat(5000)), { signal: never, limitTokens: 100 });
    expect(tokens).toBeGreaterThan(100);
    expect(asked).toEqual([]);
  });

  test('makes no model load for a quote: it tells the tokens of the text alone', async () => {
    const { url, asked, script } = await serve({});
    const estimator = estimatorOf(url);
    await estimator.prepare('m', CHAT, never);
    asked.length = 0;
    script.isLoaded = false;
    expect(await estimator.count(chat('one two three'), { signal: never })).toEqual({
      tokens: 'user one two three'.split(' ').length + 4 + 3,
      accuracy: 'estimate',
      partTokens: { role: 1, user: 3 },
    });
    expect(asked).toEqual([]);
  });

  test('waits with its test until the model is in memory, and counts exactly from then on', async () => {
    const { url, asked, script } = await serve({ isLoaded: false });
    const estimator = estimatorOf(url);
    await estimator.prepare('m', CHAT, never);
    expect(await estimator.count(chat('one two three'), { signal: never })).toMatchObject({ accuracy: 'estimate' });
    expect(asked).toEqual([]);
    script.isLoaded = true;
    expect(await estimator.count(chat('one two three'), { signal: never })).toMatchObject({ accuracy: 'exact' });
    expect(asked).toEqual(['render', 'render', 'run', 'run', 'render']);
  });

  test('where Ollama renders nothing, tells the tokens of the text by its parts, and what short chats had there', async () => {
    const { url, asked } = await serve({ renders: false });
    const estimator = estimatorOf(url);
    await estimator.prepare('m', CHAT, never);
    const tested = asked.length;
    expect(tested).toBeLessThan(30);
    const first = await estimator.count(chat('one two three'), { signal: never });
    expect(first).toMatchObject({ accuracy: 'estimate', partTokens: { user: 3 } });
    const [lesson] = first.lessons ?? [];
    expect(lesson).toMatchObject({ shape: { user: 1, tools: 0 }, partTokens: { role: 1 } });
    const prompt = '<|im_start|>user\nHow warm is the sea?<|im_end|>\n';
    expect(lesson?.actualTokens).toBe(1 + tokenizerOf('llama.cpp').count(prompt));
    const second = await estimator.count(chat('one two three'), { signal: never });
    expect(second.lessons).toBe(first.lessons);
    expect(asked).toHaveLength(tested);
  });

  test.each<Engine>(['llama.cpp', 'ollama'])(
    'finds out that %s counts where nothing is rendered, too',
    async (engine) => {
      const { url } = await serve({ engine, renders: false });
      const estimator = estimatorOf(url);
      await estimator.prepare('m', CHAT, never);
      const { partTokens } = await estimator.count(chat(TEXT), { signal: never });
      expect(partTokens?.user).toBe(tokenizerOf(engine).count(TEXT));
    },
  );

  test('leaves out of its test what the server refuses, and ends it when the server is slow', async () => {
    const refusing = await serve({ renders: false, takesTools: false });
    const estimator = estimatorOf(refusing.url);
    await estimator.prepare('m', CHAT, never);
    const { lessons = [] } = await estimator.count(chat('hi'), { signal: never });
    expect(lessons.length).toBeGreaterThan(5);
    expect(lessons.every(({ shape }) => shape.tools === 0)).toBe(true);
    let nowMs = 0;
    const slow = await serve({ renders: false, onRun: () => (nowMs += 1_000) });
    const clock = { ...systemClock, nowMs: () => nowMs };
    const hasty = createOllamaEstimator({ urls: [slow.url], clock, timeLimitMs: 20_000 });
    opened.push(hasty);
    await hasty.prepare('m', CHAT, never);
    expect((await hasty.count(chat('hi'), { signal: never })).lessons).toHaveLength(3);
  });

  test('counts what is beside images as it is rendered, and says that this is not all', async () => {
    const { url, asked } = await serve({});
    const estimator = estimatorOf(url);
    await estimator.prepare('m', CHAT, never);
    asked.length = 0;
    const image = {
      type: 'image_url',
      image_url: {
        url: 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
      },
    };
    const content = [{ type: 'text', text: 'one two three' }, image];
    const request = chat('', { messages: [{ role: 'user', content }] }, true);
    const beside = await estimator.count(request, { signal: never });
    expect(beside.accuracy).toBe('estimate');
    expect(beside.partTokens).toBeUndefined();
    const words = { type: 'text', text: 'one two three' };
    const empty = { type: 'text', text: '' };
    const withoutImage = chat('', { messages: [{ role: 'user', content: [words, empty] }] });
    expect(beside.tokens).toBe((await estimator.count(withoutImage, { signal: never })).tokens);
    expect(asked).toEqual(['render', 'render']);
  });

  test('gives an upper bound for text that is too long to be counted', async () => {
    const { url } = await serve({});
    const estimator = estimatorOf(url);
    await estimator.prepare('m', CHAT, never);
    const long = 'ab'.repeat(4_500_000);
    const { tokens, accuracy } = await estimator.count(chat(long), { signal: never });
    expect(accuracy).toBe('bound');
    expect(tokens).toBeGreaterThan(long.length);
  });

  test('asks the server that has the model, and one that answers', async () => {
    const away = 'http://127.0.0.1:1';
    const other = await serve({ models: ['x:latest'] });
    const right = await serve({});
    const estimator = estimatorOf(away, other.url, right.url);
    await estimator.prepare('m', CHAT, never);
    await estimator.count(chat('hi'), { signal: never });
    expect(other.asked).toEqual([]);
    expect(right.asked).toContain('run');
  });

  test('can not count when no server has the model or none answers, and stops when it is told to', async () => {
    const other = await serve({ models: [] });
    await expect(estimatorOf(other.url).prepare('m', CHAT, never)).rejects.toThrow('no Ollama has it');
    const away = estimatorOf('http://127.0.0.1:1');
    await expect(away.prepare('m', CHAT, never)).rejects.toThrow(CannotCount);
    await expect(away.count(chat('hi'), { signal: never })).rejects.toThrow('does not answer');
    const signal = AbortSignal.abort(new Error('gone'));
    await expect(away.count(chat('hi'), { signal })).rejects.toThrow('gone');
  });
});

describe('texts to be embedded', () => {
  test.each<Engine>(['llama.cpp', 'ollama'])(
    'are counted one by one as %s does, with what goes around each',
    async (engine) => {
      const { url, asked } = await serve({ engine });
      const estimator = estimatorOf(url);
      await estimator.prepare('m', EMBEDDING, never);
      const counts = ['hi', TEXT, 'hi'].map((text) => tokenizerOf(engine).count(text));
      expect(await estimator.count(texts('hi', TEXT, 'hi'), { signal: never })).toEqual({
        tokens: counts.reduce((sum, count) => sum + 1 + count, 0),
        longestTextTokens: Math.max(...counts) + 3,
        accuracy: 'exact',
      });
      expect(await estimator.count(texts('hi'), { signal: never })).toMatchObject({ tokens: 2, accuracy: 'exact' });
      expect(asked).toEqual(['embed', 'embed']);
    },
  );

  test('are counted exactly when the model is out of memory again, and about before it was put to the test', async () => {
    const { url, asked, script } = await serve({ isLoaded: false });
    const estimator = estimatorOf(url);
    await estimator.prepare('m', EMBEDDING, never);
    const count = async () => estimator.count(texts('one two three'), { signal: never });
    expect(await count()).toMatchObject({ tokens: 3 + 2, accuracy: 'estimate' });
    expect(asked).toEqual([]);
    script.isLoaded = true;
    expect(await count()).toMatchObject({ tokens: 3 + 1, accuracy: 'exact' });
    script.isLoaded = false;
    expect(await count()).toMatchObject({ tokens: 3 + 1, accuracy: 'exact' });
  });

  test('are not counted with a model that counts otherwise', async () => {
    const { url } = await serve({ tokensOf: (text) => (text.length > 99 ? 400 : 2) });
    await expect(estimatorOf(url).prepare('m', EMBEDDING, never)).rejects.toThrow(/probe has 400 tokens there/);
  });

  test('have an upper bound when they are too long to be counted', async () => {
    const { url } = await serve({});
    const long = 'ab'.repeat(4_500_000);
    const { tokens, accuracy } = await estimatorOf(url).count(texts(long), { signal: never });
    expect(accuracy).toBe('bound');
    expect(tokens).toBeGreaterThan(long.length);
  });
});
