import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { TemplateInput } from '../../src/estimating/template-features.ts';
import { TemplateShare } from '../../src/estimating/template-share.ts';
import { Trueness } from '../../src/estimating/trueness.ts';
import type { PartTokens } from '../../src/openai/prompt-part.ts';

const plain = { developer: 0, joined: 0, pieces: 0, calls: 0 };

/** Tokens of what each template writes as it is. */
const words = ({ user = 0, assistant = 0, 'beside-call': beside = 0 }: PartTokens): number => user + assistant + beside;
const dialogue = ({ partTokens: all }: TemplateInput): number => words(all) + (all.tool ?? 0) + (all.call ?? 0);

/** What templates do: something around the prompt, around each message by its role, for tools at all and for each tool. */
const templates: Readonly<Record<string, (input: TemplateInput) => number>> = {
  chatml: ({ partTokens, shape: { system, user, assistant, tool, tools, calls } }) =>
    dialogue({ partTokens, shape }) +
    (partTokens.system ?? 0) +
    (partTokens['earlier-system'] ?? 0) +
    (partTokens.tools ?? 0) +
    3 +
    4 * (system + user + assistant) +
    (6 * tool + 7 * calls + (tools > 0 ? 95 : 0) + 7 * tools),
  'no tools, and no results': ({ partTokens, shape: { system, user, assistant } }) =>
    words(partTokens) +
    (partTokens.system ?? 0) +
    (partTokens['earlier-system'] ?? 0) +
    1 +
    (9 * system + 8 * user + 2 * assistant),
  'tools, written twice': ({ partTokens, shape: { system, user, assistant, tool, tools } }) =>
    dialogue({ partTokens, shape }) +
    (partTokens.system ?? 0) +
    (partTokens['earlier-system'] ?? 0) +
    2 * (partTokens.tools ?? 0) +
    (10 + 4 * (system + user + assistant + tool) + (tools > 0 ? 40 : 0) + 11 * tools),
  'tools where the user has the last word': ({ partTokens, shape: { system, user, assistant, tool, tools, last } }) =>
    dialogue({ partTokens, shape }) +
    (partTokens.system ?? 0) +
    (partTokens['earlier-system'] ?? 0) +
    (last === 'user' ? (partTokens.tools ?? 0) + (tools > 0 ? 35 : 0) + tools : 0) +
    (12 + 5 * (system + user + assistant + tool) + (tools > 0 ? 15 : 0)),
  'the last system message only': ({ partTokens, shape: { system, user, assistant, tool } }) =>
    dialogue({ partTokens, shape }) +
    (partTokens.system ?? 0) +
    5 +
    5 * ((system > 0 ? 1 : 0) + user + assistant + tool),
  'a long preamble': ({ partTokens, shape: { system, user, assistant, tool } }) =>
    Object.values(partTokens).reduce((sum, tokens) => sum + tokens, 0) + 150 + 4 * (system + user + assistant + tool),
  'a default system prompt': ({ partTokens, shape: { system, user, assistant } }) =>
    dialogue({ partTokens, shape }) +
    (partTokens.system ?? 0) +
    (partTokens['earlier-system'] ?? 0) +
    21 +
    5 * (user + assistant) -
    (system > 0 ? 14 : 0),
  'a vocabulary that is not the estimator’s': ({ partTokens, shape: { user, assistant } }) =>
    Math.round(Object.values(partTokens).reduce((sum, tokens) => sum + tokens, 0) * 1.13) + 5 + 4 * (user + assistant),
};
/** Those that leave out text: that is believed of our own trials alone. */
const leavesOut = [
  'no tools, and no results',
  'tools where the user has the last word',
  'the last system message only',
  'a default system prompt',
];
const TRIALS = 23;
const shape = { ...plain, system: 0, user: 1, assistant: 0, tool: 0, tools: 0, last: 'user' as const };

const tokens = fc.integer({ min: 20, max: 600 });
const sizes = fc.record({
  user: tokens,
  system: tokens,
  earlier: tokens,
  assistant: tokens,
  tool: tokens,
  call: tokens,
});

/** A mix of jobs, as buyers send them: with and without instructions, turns before, tools, and results of tools. */
function jobsOf(count: number, seed: number): TemplateInput[] {
  return fc.sample(sizes, { numRuns: count, seed }).map((size, at) => {
    const system = [1, 0, 2, 1, 0, 1, 2][at % 7]!;
    const turns = at % 4;
    const tools = [0, 1, 0, 3, 2][at % 5]!;
    const results = tools > 0 && turns > 0 ? 1 : 0;
    const partTokens: PartTokens = {
      user: size.user,
      ...(system > 0 && { system: size.system }),
      ...(system > 1 && { 'earlier-system': size.earlier }),
      ...(turns > 0 && { assistant: size.assistant }),
      ...(results > 0 && { tool: size.tool, call: size.call }),
      ...(tools > 0 && { tools: 30 * tools + (size.earlier % 100) }),
    };
    const last = results > 0 && at % 2 === 1 ? 'tool' : 'user';
    const counts = { system, user: turns + 1, assistant: turns, tool: results, tools, calls: results };
    return { partTokens, shape: { ...plain, ...counts, last } };
  });
}

const trialsOf = (jobs: readonly TemplateInput[], actual: (input: TemplateInput) => number) =>
  jobs.map((job) => ({ ...job, actualTokens: actual(job) }));

const meanError = (share: TemplateShare, jobs: readonly TemplateInput[], actual: (input: TemplateInput) => number) => {
  const errors = jobs.map((job) => Math.abs(share.estimate(job) - actual(job)) / actual(job));
  return errors.reduce((sum, error) => sum + error, 0) / errors.length;
};

describe('the share of the chat template', () => {
  test.each(Object.keys(templates))('after 20 jobs, or trials, counts are right to 1 %%: %s', (name) => {
    const actual = templates[name]!;
    const errors = Array.from({ length: 20 }, (_, seed) => {
      const jobs = jobsOf(60, seed);
      const share = new TemplateShare('own');
      if (leavesOut.includes(name)) share.learnTrials(trialsOf(jobs.slice(0, TRIALS), actual));
      else for (const job of jobs.slice(0, 20)) share.learn(job, actual(job));
      return meanError(share, jobs.slice(TRIALS), actual);
    });
    expect(errors.reduce((sum, error) => sum + error, 0) / errors.length).toBeLessThan(0.01);
    expect(Math.max(...errors)).toBeLessThan(0.02);
  });

  test('one trial with tools tells whether the template writes them', () => {
    const share = new TemplateShare('own');
    const chats = jobsOf(20, 1).map(({ partTokens: { user = 0 } }) => ({
      partTokens: { user },
      shape,
    }));
    const withTools = (user: number, definitions: number): TemplateInput => ({
      partTokens: { user, tools: definitions },
      shape: { ...shape, tools: 1 },
    });
    const dropped = templates['no tools, and no results']!;
    share.learnTrials(trialsOf([...chats, withTools(30, 400)], dropped));
    const next = withTools(50, 380);
    expect(Math.abs(share.estimate(next) - dropped(next))).toBeLessThan(30);
  });

  test('before the first job it is what is usual, and never less than a token', () => {
    const share = new TemplateShare('own');
    const chat = { partTokens: { system: 40, user: 60 }, shape: { ...shape, system: 1 } };
    expect(share.estimate(chat)).toBe(113);
    const nothing = { partTokens: {}, shape };
    for (let job = 0; job < 20; job++) share.learn(nothing, 0);
    expect(share.estimate(nothing)).toBe(1);
  });

  test('much text that a template may leave out is not given away before one has seen whether it does', () => {
    const share = new TemplateShare('own');
    const hidden = { partTokens: { user: 10, beside: 100_000 }, shape };
    expect(share.estimate(hidden)).toBeGreaterThan(70_000);
    for (let job = 0; job < 50; job++) share.learn(hidden, 30);
    expect(share.estimate(hidden)).toBeGreaterThan(70_000);
  });

  test('jobs with text that their template does not write make no such text free for others', () => {
    const chatml = templates['chatml']!;
    for (const part of ['tool', 'call', 'tools', 'system', 'reasoning', 'beside'] as const) {
      for (const vocabulary of ['own', 'foreign'] as const) {
        const share = new TemplateShare(vocabulary);
        for (const job of jobsOf(100, 6)) share.learn(job, chatml(job));
        const odd = { partTokens: { user: 5, [part]: 12_000 }, shape: { ...shape, tool: 1, pieces: 100 } };
        for (let job = 0; job < 100; job++) share.learn(odd, 9);
        const honest = { partTokens: { user: 20, [part]: 12_000 }, shape: { ...shape, pieces: 3_000 } };
        expect(share.estimate(honest)).toBeGreaterThanOrEqual(0.8 * (12_000 - 400));
      }
    }
  });

  test('jobs whose text the backend never rendered, or counted many times over, spoil nothing for others', () => {
    const share = new TemplateShare('own');
    const ofUser = (user: number): TemplateInput => ({ partTokens: { user }, shape });
    for (const job of jobsOf(50, 5)) share.learn(job, templates['chatml']!(job));
    const before = share.estimate(ofUser(10_000));
    for (let job = 0; job < 20; job++) {
      share.learn(ofUser(100_000), 12);
      share.learn(ofUser(1_000), 9_000);
    }
    expect(share.estimate(ofUser(10_000))).toBe(before);
    for (let job = 0; job < 200; job++) share.learn(ofUser(10_000), 8_000);
    expect(share.estimate(ofUser(100_000))).toBeGreaterThanOrEqual(80_000);
  });

  test('whatever jobs it was told, an estimate stays within bounds, and one odd job moves it little', () => {
    const input = fc.integer({ min: 1, max: 1_000 }).chain((seed) => fc.constantFrom(...jobsOf(35, seed)));
    const job = fc.tuple(input, fc.integer({ min: 0, max: 20_000 }));
    fc.assert(
      fc.property(fc.array(job, { maxLength: 40 }), job, input, (told, [odd, oddTokens], priced) => {
        const share = new TemplateShare('own');
        for (const [other, tokens] of told) share.learn(other, tokens);
        for (const honest of jobsOf(100, 2)) share.learn(honest, templates['chatml']!(honest));
        const before = share.estimate(priced);
        share.learn(odd, oddTokens);
        const after = share.estimate(priced);
        const { user = 0, assistant = 0 } = priced.partTokens;
        const text = Object.values(priced.partTokens).reduce((sum, tokens) => sum + tokens, 0);
        expect(after).toBeGreaterThanOrEqual(Math.floor(0.8 * (user + assistant)));
        expect(after).toBeLessThanOrEqual(2 * text + 400 + 40 * 12);
        expect(Math.abs(after - before)).toBeLessThan(20 + 0.1 * text);
      }),
      { numRuns: 50, seed: 1 },
    );
  });

  test('more text makes no input cheaper, whatever jobs it was told', () => {
    const job = fc.tuple(fc.constantFrom(...jobsOf(35, 7)), fc.integer({ min: 0, max: 5_000 }));
    const part = fc.constantFrom(
      'user',
      'assistant',
      'system',
      'tool',
      'call',
      'tools',
      'beside',
      'format',
      'reasoning' as const,
    );
    const last = fc.constantFrom('user', 'tool', 'assistant' as const);
    fc.assert(
      fc.property(
        fc.array(job, { maxLength: 60 }),
        job,
        part,
        last,
        fc.nat(2_000),
        (told, [given], name, who, moreTokens) => {
          const input = { ...given, shape: { ...given.shape, last: who } };
          const share = new TemplateShare('own');
          for (const [other, tokens] of told) share.learn(other, tokens);
          const { partTokens } = input;
          const withPart = (tokens: number) =>
            share.estimate({ ...input, partTokens: { ...partTokens, [name]: tokens } });
          const before = (partTokens as Record<string, number>)[name] ?? 1;
          expect(withPart(before + moreTokens)).toBeGreaterThanOrEqual(withPart(before));
        },
      ),
      { numRuns: 200, seed: 1 },
    );
  });

  test('a template that changes is followed', () => {
    const share = new TemplateShare('own');
    const jobs = jobsOf(300, 3);
    for (const job of jobs.slice(0, 200)) share.learn(job, templates['chatml']!(job));
    const other = templates['tools, written twice']!;
    for (const job of jobs.slice(200)) share.learn(job, other(job));
    expect(meanError(share, jobs.slice(0, 20), other)).toBeLessThan(0.02);
  });
});

describe('the trueness of counts', () => {
  test('an exact count that is off again and again raises the alarm once', () => {
    const trueness = new Trueness();
    for (let job = 0; job < 30; job++) expect(trueness.add(100, 'exact', 100)).toBe(false);
    const alarms = Array.from({ length: 30 }, () => trueness.add(110, 'exact', 100));
    expect(alarms.filter(Boolean)).toHaveLength(1);
    expect(trueness.figures().jobs).toBe(60);
    expect(trueness.figures().meanError).toBeCloseTo(0.1, 2);
  });

  test('an estimate may be off by some', () => {
    const trueness = new Trueness();
    expect(Array.from({ length: 50 }, () => trueness.add(110, 'estimate', 100))).not.toContain(true);
  });
});
