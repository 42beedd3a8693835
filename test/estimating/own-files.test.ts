import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/clock/clock.ts';
import { CannotCount } from '../../src/estimating/estimator.ts';
import { createHuggingFaceEstimator } from '../../src/estimating/huggingface.ts';
import { createOwnModuleEstimator } from '../../src/estimating/own-module.ts';
import { checkRequest } from '../../src/openai/request.ts';
import type { CheckedRequest } from '../../src/openai/request.ts';
import { words } from './words-tokenizer.ts';

const never = { signal: new AbortController().signal };
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'estimating-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, text: string): Promise<string> {
  await writeFile(join(folder, name), text);
  return join(folder, name);
}

function chat(content: string): CheckedRequest {
  const body = JSON.stringify({ model: 'm', messages: [{ role: 'user', content }] });
  const request = checkRequest('openai.chat_completions.v1', Buffer.from(body), 'm', { maxOutputTokens: 10 });
  if ('refusal' in request) throw new Error(request.message);
  return request;
}

describe('a tokenizer.json of the operator', () => {
  test('counts the text, and leaves the share of the template to what is learned', async () => {
    const estimator = createHuggingFaceEstimator({
      clock: systemClock,
      file: await file('tokenizer.json', words),
      timeLimitMs: 20_000,
    });
    await estimator.prepare('m', 'openai.chat_completions.v1', never.signal);
    expect(await estimator.count(chat('one two one'), never)).toMatchObject({
      tokens: 4 + 4 + 3,
      accuracy: 'estimate',
      partTokens: { role: 1, user: 3 },
    });
    await estimator.close();
  });

  test('is as much as the bytes and a usual template when it takes too long: never fewer than the backend counts', async () => {
    const rung: (() => void)[] = [];
    const clock = { nowMs: () => 0, timer: (_ms: number, ring: () => void) => (rung.push(ring), () => {}) };
    const estimator = createHuggingFaceEstimator({ clock, file: await file('tokenizer.json', words) });
    const counted = estimator.count(chat('!?'.repeat(50_000)), never);
    rung.at(-1)?.();
    expect(await counted).toEqual({ tokens: 'user'.length + 100_000 + 4 + 3, accuracy: 'bound' });
    await estimator.close();
  });

  test.each([
    ['is not there', undefined, /cannot be read/],
    ['is no JSON', '{', /cannot be read/],
    ['is no tokenizer', '{"model": {"type": "none"}}', /no tokenizer/],
  ])('is told to be useless when it %s', async (_name, text, why) => {
    const path = text === undefined ? join(folder, 'nowhere.json') : await file('broken.json', text);
    const estimator = createHuggingFaceEstimator({ clock: systemClock, file: path });
    const prepared = estimator.prepare('m', 'openai.chat_completions.v1', never.signal);
    await expect(prepared).rejects.toThrow(CannotCount);
    await expect(prepared).rejects.toThrow(why);
    await estimator.close();
  });
});

describe('a module of the operator', () => {
  const open = async (source: string) =>
    createOwnModuleEstimator({ clock: systemClock, file: await file(`own-${Math.random()}.mjs`, source) });

  test('counts with what it exports', async () => {
    const own = await open(
      'export const countTokens = async ({ promptText, shape }) => promptText.join("").length + 100 * shape.user;',
    );
    await own.prepare('m', 'openai.chat_completions.v1', never.signal);
    expect(await own.count(chat('hello'), never)).toEqual({ tokens: 109, accuracy: 'estimate' });
    await own.close();
  });

  test.each([
    ['has no countTokens', 'export const count = 1;', /no function countTokens/],
    ['does not load', 'import "./nowhere.mjs";', /cannot be loaded/],
  ])('is told to be useless when it %s', async (_name, source, why) => {
    const own = await open(source);
    await expect(own.prepare('m', 'openai.chat_completions.v1', never.signal)).rejects.toThrow(why);
    await own.close();
  });

  test.each([
    ['throws', 'export const countTokens = ({ promptText }) => { throw new TypeError(promptText[1]); };', /TypeError/],
    ['gives no whole number', 'export const countTokens = () => 1.5;', /no whole number/],
  ])('can not count when it %s, and nothing of the prompt is told', async (_name, source, why) => {
    const own = await open(source);
    const counted = own.count(chat('my secret'), never);
    await expect(counted).rejects.toThrow(why);
    await expect(counted).rejects.not.toThrow(/secret/);
    await own.close();
  });

  test('is not given texts of more than 8 MB: the bytes are the bound', async () => {
    const own = await open('export const countTokens = () => 5;');
    expect(await own.count(chat('a'.repeat(8_000_000)), never)).toMatchObject({ tokens: 5 });
    const long = chat('ab'.repeat(4_500_000));
    expect(await own.count(long, never)).toEqual({ tokens: long.inputBytes, accuracy: 'bound' });
    await own.close();
  });

  test('that never ends costs its time, and the bytes are the bound', async () => {
    const rung: (() => void)[] = [];
    const clock = { nowMs: () => 0, timer: (_ms: number, ring: () => void) => (rung.push(ring), () => {}) };
    const source = 'export const countTokens = () => { for (;;); };';
    const own = createOwnModuleEstimator({ clock, file: await file('endless.mjs', source) });
    const request = chat('hello');
    const counted = own.count(request, never);
    rung.at(-1)?.();
    expect(await counted).toEqual({ tokens: request.inputBytes, accuracy: 'bound' });
    await own.close();
  });
});
