import { describe, expect, test } from 'vitest';
import { Counting } from '../../src/estimating/counting.ts';
import { CannotCount, CountersBusy } from '../../src/estimating/estimator.ts';
import type { Count, Estimator } from '../../src/estimating/estimator.ts';
import { createFixedEstimator } from '../../src/estimating/fixed.ts';
import { checkRequest } from '../../src/openai/request.ts';
import type { CheckedRequest, TaskKind } from '../../src/openai/request.ts';
import type { EstimatorChoice } from '../../src/pricing/price-list.ts';
import type { CountedHow } from '../../src/pricing/price.ts';
import { collectingLog } from '../harness/silent-log.ts';

const never = new AbortController().signal;
const CHAT = 'openai.chat_completions.v1';
const RESPONSES = 'openai.responses.v1';
const EMBEDDINGS = 'openai.embeddings.v1';
const CHOICES: EstimatorChoice[] = [{ name: 'openai' }, { name: 'bytes' }];

function chat(model: string): CheckedRequest {
  const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'hi' }] });
  const request = checkRequest(CHAT, Buffer.from(body), model, { maxOutputTokens: 10 });
  if ('refusal' in request) throw new Error(request.message);
  return request;
}

/** The first choice counts 7 unless it is told why it can't; the second one 9. */
function counting(more: Pick<Count, 'partTokens' | 'lessons'> & { taskKinds?: readonly TaskKind[] } = {}) {
  const { log, text } = collectingLog();
  const state: { why?: string | undefined; only?: TaskKind; isBusy?: boolean; opened: number } = { opened: 0 };
  const prepared: string[] = [];
  const open = (choice: EstimatorChoice): Estimator => {
    state.opened++;
    const able = async (taskKind: TaskKind): Promise<void> => {
      const { why, only = taskKind } = state;
      if (choice.name === 'openai' && why !== undefined && only === taskKind) throw new CannotCount(why);
      if (choice.name === 'openai' && state.isBusy) throw new CountersBusy('too many wait');
    };
    const { taskKinds, ...counted } = more;
    return {
      name: choice.name,
      vocabulary: 'foreign',
      ...(choice.name === 'openai' && taskKinds && { taskKinds }),
      prepare: (_model, taskKind) => {
        prepared.push(`${choice.name} ${taskKind}`);
        return able(taskKind);
      },
      count: async ({ taskKind }) => {
        await able(taskKind);
        return { tokens: choice.name === 'openai' ? 7 : 9, accuracy: 'exact', ...counted };
      },
      close: () => Promise.resolve(),
    };
  };
  return { counting: new Counting({ open, log }), state, prepared, text };
}

describe('the estimators of a model', () => {
  test('the first one counts, and is opened once', async () => {
    const { counting: counts, state } = counting();
    for (const model of ['a', 'b'])
      expect(await counts.count(chat(model), CHOICES, { signal: never })).toMatchObject({
        estimator: 'openai',
        tokens: 7,
        how: { accuracy: 'exact' },
      });
    expect(state.opened).toBe(1);
  });

  test('one that can not serve the model is left out, and the operator is told why, once', async () => {
    const { counting: counts, state, text } = counting();
    state.why = 'no such vocabulary';
    await counts.prepare('a', [CHAT], CHOICES, never);
    for (const _ of [1, 2]) {
      expect(await counts.count(chat('a'), CHOICES, { signal: never })).toMatchObject({ estimator: 'bytes' });
      await counts.prepare('a', [CHAT], CHOICES, never);
    }
    expect(text().match(/no such vocabulary/g)).toHaveLength(1);
  });

  test('one that is for other work is not asked, and nobody is told: it can not be otherwise', async () => {
    const { counting: counts, text } = counting({ taskKinds: ['openai.embeddings.v1'] });
    await counts.prepare('a', [CHAT], CHOICES, never);
    expect(await counts.count(chat('a'), CHOICES, { signal: never })).toMatchObject({ estimator: 'bytes' });
    expect(text()).toBe('');
    await counts.prepare('a', [CHAT], [{ name: 'openai' }], never);
    expect(text()).toContain('nothing can count this work for the model');
    await expect(counts.count(chat('a'), [{ name: 'openai' }], { signal: never })).rejects.toThrow(CannotCount);
  });

  test('each kind of work that a model is sold for gets one that is ready for it', async () => {
    const { counting: counts, prepared, text } = counting({ taskKinds: [CHAT] });
    await counts.prepare('a', [CHAT, RESPONSES], CHOICES, never);
    expect(prepared).toEqual([`openai ${CHAT}`, `bytes ${RESPONSES}`]);
    expect(text()).toBe('');
    await counts.prepare('a', [CHAT, RESPONSES], [{ name: 'openai' }], never);
    expect(JSON.parse(text())).toMatchObject({ model: 'a', task_kinds: [RESPONSES] });
  });

  test('one that can not serve a kind of work still serves the others', async () => {
    const { counting: counts, state, prepared, text } = counting();
    Object.assign(state, { why: 'its texts count otherwise', only: EMBEDDINGS });
    await counts.prepare('a', [CHAT, EMBEDDINGS], CHOICES, never);
    expect(prepared).toEqual([`openai ${CHAT}`, `openai ${EMBEDDINGS}`, `bytes ${EMBEDDINGS}`]);
    expect(JSON.parse(text())).toMatchObject({ task_kind: EMBEDDINGS, reason: 'its texts count otherwise' });
    expect(await counts.count(chat('a'), CHOICES, { signal: never })).toMatchObject({ estimator: 'openai' });
  });

  test('one that fails while it counts hands over to the next, for that request', async () => {
    const { counting: counts, state, text } = counting();
    state.why = 'the server is gone';
    expect(await counts.count(chat('a'), CHOICES, { signal: never })).toMatchObject({ estimator: 'bytes' });
    expect(text()).toContain('the server is gone');
    state.why = undefined;
    expect(await counts.count(chat('a'), CHOICES, { signal: never })).toMatchObject({ estimator: 'openai' });
  });

  test('one that is busy says so: the next one would guess, and it is asked again', async () => {
    const { counting: counts, state } = counting();
    state.isBusy = true;
    await counts.prepare('a', [CHAT], CHOICES, never);
    await expect(counts.count(chat('a'), CHOICES, { signal: never })).rejects.toThrow(CountersBusy);
    state.isBusy = false;
    expect(await counts.count(chat('a'), CHOICES, { signal: never })).toMatchObject({ estimator: 'openai' });
  });

  test('when none can, it says so: nothing is guessed that was not configured', async () => {
    const { counting: counts, state } = counting();
    state.why = 'gone';
    await expect(counts.count(chat('a'), [{ name: 'openai' }], { signal: never })).rejects.toThrow(CannotCount);
  });

  test('learns from finished jobs what the chat template adds, for each model by itself', async () => {
    const { counting: counts } = counting({ partTokens: { user: 7 } });
    const quoted = async (model: string) => counts.count(chat(model), CHOICES, { signal: never });
    for (let job = 0; job < 20; job++) {
      const { estimator, tokens, how } = await quoted('a');
      counts.learn('a', { estimator, inputTokens: tokens, counted: how }, 40);
    }
    expect((await quoted('a')).tokens).toBe(40);
    expect((await quoted('b')).tokens).toBe(15);
    expect(counts.figures()).toMatchObject([
      { model: 'a', estimator: 'openai', jobs: 20 },
      { model: 'b', jobs: 0 },
    ]);
  });

  test.each(['own', 'foreign'] as const)(
    'jobs of before the first count teach as one with such a vocabulary is taught: %s',
    async (vocabulary) => {
      const part = { user: 1_000 };
      const opened = (): Estimator => ({
        name: 'openai',
        vocabulary,
        prepare: () => Promise.resolve(),
        count: () => Promise.resolve({ tokens: 1_000, accuracy: 'estimate', partTokens: part }),
        close: () => Promise.resolve(),
      });
      const { log } = collectingLog();
      const early = new Counting({ open: opened, log });
      const late = new Counting({ open: opened, log });
      const tokens = async (counts: Counting) => (await counts.count(chat('a'), CHOICES, { signal: never })).tokens;
      const before = await tokens(late);
      const job = {
        estimator: 'openai',
        inputTokens: before,
        counted: { accuracy: 'estimate', shape: chat('a').shape, partTokens: part },
      } as const;
      for (const counts of [early, late]) counts.learn('a', job, 1_500);
      expect(await tokens(early)).toBe(await tokens(late));
      // Half as much again is an exception where the vocabulary is the model's, and what another one may well make of it.
      expect((await tokens(late)) > 1_400).toBe(vocabulary === 'foreign');
    },
  );

  test('takes what an estimator has found out of the template once, and keeps it out of the price breakdown', async () => {
    const { shape } = chat('a');
    const lesson = { partTokens: { user: 7 }, shape, actualTokens: 40 };
    const { counting: counts } = counting({ partTokens: { user: 7 }, lessons: [lesson, lesson] });
    const first = await counts.count(chat('a'), CHOICES, { signal: never });
    expect(first).toMatchObject({ tokens: 40, how: { partTokens: { user: 7 }, shape } });
    expect(first.how).not.toHaveProperty('lessons');
    for (let job = 0; job < 20; job++) counts.learn('a', { ...first, inputTokens: 40, counted: first.how }, 60);
    const learned = await counts.count(chat('a'), CHOICES, { signal: never });
    expect(Math.abs(learned.tokens - 60)).toBeLessThan(2);
  });

  test('tells how far off a convention is, and raises no alarm: it is not meant to be near', async () => {
    const { log, text } = collectingLog();
    const choices: EstimatorChoice[] = [{ name: 'fixed', tokens: 1000 }];
    const counts = new Counting({ open: () => createFixedEstimator(1000), log });
    const { estimator, tokens, how } = await counts.count(chat('a'), choices, { signal: never });
    for (let job = 0; job < 20; job++) counts.learn('a', { estimator, inputTokens: tokens, counted: how }, 10);
    expect(counts.figures()).toEqual([{ model: 'a', estimator: 'fixed', jobs: 20, meanError: 99 }]);
    expect(text()).toBe('');
  });

  test('a job that an older version counted tells how true counts are, and nothing of the template', async () => {
    const { counting: counts } = counting({ partTokens: { user: 7 } });
    const old = { accuracy: 'estimate', shape: { system: 0, user: 1, assistant: 0, tool: 0, tools: 0 }, textTokens: 7 };
    for (let job = 0; job < 20; job++)
      counts.learn('a', { estimator: 'openai', inputTokens: 14, counted: old as unknown as CountedHow }, 40);
    expect((await counts.count(chat('a'), CHOICES, { signal: never })).tokens).toBe(15);
    expect(counts.figures()).toMatchObject([{ model: 'a', jobs: 20 }]);
  });
});
