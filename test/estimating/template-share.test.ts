import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TemplateShare } from '../../src/estimating/template-share.ts';
import { Trueness } from '../../src/estimating/trueness.ts';
import type { InputShape } from '../../src/openai/input-shape.ts';

interface Input {
  readonly textTokens: number;
  readonly shape: InputShape;
}

/** What templates do: something around the prompt, around each message by its role, for tools at all and for each tool. */
const templates: Readonly<Record<string, (input: Input) => number>> = {
  chatml: ({ textTokens, shape: { system, user, assistant, tool, tools } }) =>
    textTokens + 3 + 4 * (system + user + assistant) + 6 * tool + (tools > 0 ? 95 : 0) + 7 * tools,
  llama2: ({ textTokens, shape: { system, user, assistant, tool } }) =>
    textTokens + 1 + 9 * system + 8 * user + 2 * assistant + 8 * tool,
  'a default system prompt': ({ textTokens, shape: { system, user, assistant } }) =>
    textTokens + 21 + 5 * (user + assistant) - 14 * system,
  'a vocabulary that is not the estimator’s': ({ textTokens, shape: { user, assistant } }) =>
    Math.round(textTokens * 1.13) + 5 + 4 * (user + assistant),
};

const inputs: fc.Arbitrary<Input> = fc.record({
  textTokens: fc.integer({ min: 20, max: 3_000 }),
  shape: fc.record({
    system: fc.nat(1),
    user: fc.integer({ min: 1, max: 6 }),
    assistant: fc.nat(5),
    tool: fc.nat(2),
    tools: fc.constantFrom(0, 0, 1, 3),
  }),
});

describe('the share of the chat template', () => {
  test.each(Object.entries(templates))('after 20 jobs counts are right to 1 %%: %s', (_name, actual) => {
    for (let seed = 1; seed <= 20; seed++) {
      const jobs = fc.sample(inputs, { numRuns: 60, seed });
      const share = new TemplateShare();
      for (const { textTokens, shape } of jobs.slice(0, 20))
        share.learn(textTokens, shape, actual({ textTokens, shape }));
      const errors = jobs.slice(20).map(({ textTokens, shape }) => {
        const right = actual({ textTokens, shape });
        return Math.abs(share.estimate(textTokens, shape) - right) / right;
      });
      expect(errors.reduce((sum, error) => sum + error, 0) / errors.length).toBeLessThan(0.01);
    }
  });

  test('before the first job it is what is usual, and never less than a token', () => {
    const share = new TemplateShare();
    expect(share.estimate(100, { system: 1, user: 1, assistant: 0, tool: 0, tools: 0 })).toBe(111);
    for (let job = 0; job < 20; job++) share.learn(0, { system: 0, user: 1, assistant: 0, tool: 0, tools: 0 }, 0);
    expect(share.estimate(0, { system: 0, user: 1, assistant: 0, tool: 0, tools: 0 })).toBe(1);
  });

  test('jobs whose text the backend never rendered, or counted many times over, spoil nothing for others', () => {
    const share = new TemplateShare();
    const shape = { system: 0, user: 1, assistant: 0, tool: 0, tools: 0 };
    for (const { textTokens, shape: honest } of fc.sample(inputs, { numRuns: 50, seed: 5 }))
      share.learn(textTokens, honest, templates['chatml']!({ textTokens, shape: honest }));
    const before = share.estimate(10_000, shape);
    for (let job = 0; job < 20; job++) {
      share.learn(100_000, shape, 12);
      share.learn(1_000, shape, 9_000);
    }
    expect(share.estimate(10_000, shape)).toBe(before);
    for (let job = 0; job < 200; job++) share.learn(10_000, shape, 8_000);
    expect(share.estimate(100_000, shape)).toBeGreaterThanOrEqual(80_000);
  });

  test('a template that changes is followed', () => {
    const share = new TemplateShare();
    const jobs = fc.sample(inputs, { numRuns: 300, seed: 3 });
    for (const input of jobs.slice(0, 200)) share.learn(input.textTokens, input.shape, templates['chatml']!(input));
    for (const input of jobs.slice(200)) share.learn(input.textTokens, input.shape, templates['llama2']!(input));
    const right = templates['llama2']!(jobs[0]!);
    expect(Math.abs(share.estimate(jobs[0]!.textTokens, jobs[0]!.shape) - right) / right).toBeLessThan(0.02);
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
