import { afterAll, describe, expect, test } from 'vitest';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { systemClock } from '../../src/clock/clock.ts';
import { createBytesEstimator } from '../../src/estimating/bytes.ts';
import { encodingOf } from '../../src/estimating/encoding.ts';
import { CountersBusy } from '../../src/estimating/estimator.ts';
import { createFixedEstimator } from '../../src/estimating/fixed.ts';
import { createOpenAiEstimator } from '../../src/estimating/openai.ts';
import { pieces } from '../../src/estimating/text-pieces.ts';
import { checkRequest } from '../../src/openai/request.ts';
import type { CheckedRequest } from '../../src/openai/request.ts';

const never = new AbortController().signal;

function chat(...contents: string[]): CheckedRequest {
  const body = { model: 'gpt-5.2', messages: contents.map((content) => ({ role: 'user', content })) };
  const request = checkRequest(
    'openai.chat_completions.v1',
    new TextEncoder().encode(JSON.stringify(body)),
    'gpt-5.2',
    { maxOutputTokens: 10 },
  );
  if ('refusal' in request) throw new Error(request.message);
  return request;
}

describe('the bytes estimator', () => {
  test('counts a token for each four bytes of the body, rounded up, as go-lcpd does', async () => {
    const estimator = createBytesEstimator();
    for (const inputBytes of [1, 4, 5, 4001])
      expect(await estimator.count({ ...chat('x'), inputBytes }, { signal: never })).toMatchObject({
        tokens: Math.ceil(inputBytes / 4),
        accuracy: 'convention',
      });
  });
});

describe('the fixed estimator', () => {
  const estimator = createFixedEstimator(1000);

  test('counts the same for every request, as a convention', async () => {
    for (const request of [chat('x'), chat('x'.repeat(10_000), 'y')])
      expect(await estimator.count(request, { signal: never })).toEqual({ tokens: 1000, accuracy: 'convention' });
  });

  test('stops when it is told to', async () => {
    const signal = AbortSignal.abort(new Error('gone'));
    await expect(estimator.count(chat('x'), { signal })).rejects.toThrow('gone');
  });
});

describe('the openai estimator', () => {
  const estimator = createOpenAiEstimator({ clock: systemClock, timeLimitMs: 20_000 });
  afterAll(() => estimator.close());

  test('counts what the vocabulary counts, and a documented overhead', async () => {
    const text = 'The quick brown fox — schnell! – springt über 13 Hunde. 漢字 <|endoftext|>';
    const expected = countTokens(text, { disallowedSpecial: new Set<string>() }) + countTokens('user');
    expect(await estimator.count(chat(text), { signal: never })).toMatchObject({
      tokens: expected + 4 + 3,
      accuracy: 'estimate',
    });
    expect(await estimator.count(chat(text, text), { signal: never })).toMatchObject({
      tokens: 2 * expected + 2 * 4 + 3,
      accuracy: 'estimate',
    });
  });

  test('takes hostile text without blocking anything', async () => {
    let longestGapMs = 0;
    let last = performance.now();
    const ticker = setInterval(() => {
      longestGapMs = Math.max(longestGapMs, performance.now() - last);
      last = performance.now();
    }, 5);
    const hostile = [
      'a'.repeat(1_000_000),
      '漢字仮名'.repeat(50_000),
      ' '.repeat(1_000_000),
      '!?'.repeat(200_000),
      '👩‍👩‍👧‍👦'.repeat(20_000),
    ].map((text) => chat(text));
    for (const request of hostile) {
      const { tokens } = await estimator.count(request, { signal: never });
      expect(tokens).toBeGreaterThan(1000);
      expect(tokens).toBeLessThan(request.inputBytes);
    }
    clearInterval(ticker);
    expect(longestGapMs).toBeLessThan(500);
  });

  test('cuts cost less than a token each and lose no text', () => {
    for (const text of [
      '漢字仮名交じり文を書く。'.repeat(300),
      'one two three\n'.repeat(3000),
      'x'.repeat(5000),
      '👩‍👩‍👧‍👦'.repeat(500),
    ]) {
      const cut = [...pieces(text)];
      expect(cut.join('')).toBe(text);
      const counted = cut.reduce((sum, piece) => sum + countTokens(piece), 0);
      expect(counted).toBeGreaterThanOrEqual(countTokens(text) - cut.length);
      expect(counted).toBeLessThanOrEqual(countTokens(text) + 2 * cut.length);
    }
  });

  test('gives the upper bound when a count takes too long, and counts again afterwards', async () => {
    const rung: (() => void)[] = [];
    const clock = { nowMs: () => 0, timer: (_delayMs: number, ring: () => void) => (rung.push(ring), () => {}) };
    const slow = createOpenAiEstimator({ clock });
    const request = chat('hello '.repeat(100_000));
    const estimate = slow.count(request, { signal: never });
    rung.at(-1)?.();
    const bound = request.promptText.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    expect(await estimate).toMatchObject({ tokens: bound + 4 + 3, accuracy: 'bound' });
    expect(await slow.count(chat('hello'), { signal: never })).toMatchObject({
      tokens: countTokens('hello') + countTokens('user') + 4 + 3,
      accuracy: 'estimate',
    });
    await slow.close();
  });

  test('turns away who comes when too many wait, rather than guess, and rejects those that gave up', async () => {
    const busy = createOpenAiEstimator({ clock: systemClock, maxWaiting: 1 });
    const giving = new AbortController();
    const first = busy.count(chat('hello'), { signal: never });
    const second = busy.count(chat('hello'), giving);
    await expect(busy.count(chat('hello'), { signal: never })).rejects.toThrow(CountersBusy);
    giving.abort(new Error('gone'));
    await expect(second).rejects.toThrow('gone');
    expect((await first).tokens).toBeLessThan(12);
    await busy.close();
  });

  test('knows which models have the older vocabulary', () => {
    expect(['gpt-4', 'gpt-4-0613', 'gpt-3.5-turbo', 'openai/gpt-4-turbo'].map(encodingOf)).toEqual(
      Array(4).fill('cl100k_base'),
    );
    expect(['gpt-4o', 'gpt-4.1', 'gpt-5.2', 'o3', 'llama3'].map(encodingOf)).toEqual(Array(5).fill('o200k_base'));
  });
});
