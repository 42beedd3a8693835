import { expect, test } from 'vitest';
import { buyerAccount, LIGHTNING, reservedAccount } from '../../src/job/entry.ts';
import { storyLines } from '../../src/cli/job-page.ts';
import { tableLines } from '../../src/cli/table.ts';
import { msat } from '../../src/money/msat.ts';
import { jobStory } from '../../src/operator/job-story.ts';
import { sampleJob } from '../job/sample-job.ts';

test('a table aligns its columns under their titles, amounts to the right', () => {
  const columns = [
    { title: 'job', text: (row: [string, string]) => row[0] },
    { title: 'price', text: (row: [string, string]) => row[1], align: 'right' as const },
    { title: 'note', text: () => '' },
  ];
  expect(
    tableLines(columns, [
      ['a', '1,000'],
      ['bcdef', '7'],
    ]),
  ).toEqual(['job    price  note', 'a      1,000', 'bcdef      7']);
});

test('a table that is too wide leaves out its least important columns, one after the other, and says so', () => {
  const column = (title: string, leftOutAs?: number) => ({
    title,
    text: () => title,
    leftOutAs,
  });
  const columns = [column('model'), column('backend', 2), column('state'), column('priced by', 1)];
  const titles = (width?: number) => tableLines(columns, [1], width);
  expect(titles(32)).toEqual(titles());
  expect(titles()).toHaveLength(2);
  expect(titles(31)).toEqual([
    'model  backend  state',
    'model  backend  state',
    'No room here for: priced by. A wider terminal, or a pipe, gets all.',
  ]);
  expect(titles(5)[0]).toBe('model  state');
});

test("a job's page has its price, its money and every entry", () => {
  const job = sampleJob({ funding: 'closed', run: 'ended', fundedAtMs: 5, usage: { inputTokens: 7, outputTokens: 9 } });
  const reserved = reservedAccount(job.key);
  const page = storyLines(
    jobStory(job, [
      { from: LIGHTNING, to: reserved, amountMsat: msat(50_000n), reason: 'payment received', atMs: 5 },
      { from: reserved, to: buyerAccount(job.peer), amountMsat: msat(50_000n), reason: 'remainder', atMs: 6 },
    ]),
  ).join('\n');
  expect(page).toContain('used          7 input tokens, 9 output tokens');
  expect(page).toMatch(/price +could be paid until .+ 50,000/);
  expect(page).toMatch(/credit given +50,000/);
  expect(page).toMatch(/50,000 {2}lightning → reserved {2}payment received\n/);
  expect(page).toMatch(/50,000 {2}reserved → buyer {6}remainder$/);
});
