import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { BUGS } from './bugs.ts';
import { findMutations, infect } from './mutations.ts';
import { replayCommand, simulateSeries } from './series.ts';
import { simulate } from './simulate.ts';

const JOBS = 10;
const ROOT = join(import.meta.dirname, '..', '..');

/** Seeds that broke a law once, each by a bug that is mended; `bugs.ts` puts it back. */
const MENDED: readonly { readonly seed: number; readonly jobs: number; readonly bug: string }[] = [
  { seed: 60, jobs: 30, bug: 'an attempt whose answer nobody reads keeps its slot' },
  { seed: 20, jobs: 30, bug: 'a request that was given up while its credit was looked up becomes a job' },
];

describe('a simulated provider', () => {
  test.each(['upfront', 'hold'] as const)(
    'keeps every law through misfortune, paid %s',
    async (mode) => {
      const { failures, counts } = await simulateSeries({ from: 1, seeds: 100, jobs: JOBS, mode });
      expect(failures).toEqual([]);
      expect(counts['served']).toBeGreaterThan(100);
      expect(counts['credited']).toBeGreaterThan(20);
      expect(counts['starts']).toBeGreaterThan(300);
    },
    120_000,
  );

  test('lives the same life again, event by event, when the seed is the same', async () => {
    for (const seed of [11, 12, 13]) {
      const [first, again] = [
        await simulate({ seed, jobs: JOBS, mode: 'mixed' }),
        await simulate({ seed, jobs: JOBS, mode: 'mixed' }),
      ];
      expect(again).toEqual(first);
    }
    const other = await simulate({ seed: 14, jobs: JOBS, mode: 'mixed' });
    expect(other.hash).not.toBe((await simulate({ seed: 13, jobs: JOBS, mode: 'mixed' })).hash);
  });

  test.each(MENDED)('seed $seed: $bug', async ({ seed, jobs }) => {
    expect((await simulate({ seed, jobs, mode: 'mixed' })).violation).toBeUndefined();
  });

  test('names the command that shows a run again', () => {
    expect(replayCommand(7, { jobs: 40, mode: 'hold' })).toBe(
      'npm run simulate -- --seed 7 --jobs 40 --mode hold --trace',
    );
  });
});

describe('bugs that are put into the product', () => {
  const quick = [
    'a settlement that is told twice is booked twice',
    'an answer that was cut off is called whole',
    'a job that was paid is forgotten with its entries',
  ];

  test.each(BUGS)('fit the code: $name', ({ name, file, changes, also = [] }) => {
    for (const patch of [{ file, changes }, ...also])
      expect(() => infect(readFileSync(join(ROOT, patch.file), 'utf8'), name, patch)).not.toThrow();
  });

  test('are found', async () => {
    expect(quick.filter((name) => !BUGS.some((bug) => bug.name === name))).toEqual([]);
    const found = await findMutations({ seeds: 60, only: quick });
    expect(found.map(({ name, law }) => [name, law])).toEqual([
      [quick[0], 'what the node received is in the books'],
      [quick[1], 'only a whole answer is called ok'],
      [quick[2], 'the books balance'],
    ]);
  }, 120_000);
});
