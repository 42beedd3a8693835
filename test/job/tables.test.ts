import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { deliveryTable } from '../../src/job/delivery.ts';
import { describeTables } from '../../src/job/describe.ts';
import type { JobEvent } from '../../src/job/event.ts';
import type { Job } from '../../src/job/job.ts';
import { fundingTable } from '../../src/job/funding.ts';
import { runTable } from '../../src/job/run.ts';
import { step } from '../../src/job/step.ts';
import { findRow } from '../../src/job/table.ts';
import { delivery } from './delivery-cases.ts';
import { funding } from './funding-cases.ts';
import { credits, holds } from './hold-cases.ts';
import { producing, queued, running, sold } from './given.ts';
import { run } from './run-cases.ts';
import { EVENTS, NOW_MS, effectsOf, entriesOf, sampleJob, statesOf } from './sample-job.ts';

const tables = [
  { part: 'funding', rows: fundingTable, cases: funding },
  { part: 'run', rows: runTable, cases: run },
  { part: 'delivery', rows: deliveryTable, cases: delivery },
] as const;
const suites = [
  ...tables.map(({ part, cases }) => ({ title: `the ${part} table`, cases })),
  { title: 'a payment in hold mode', cases: holds },
  { title: 'credit that was reserved is released by', cases: credits },
];
const all = suites.flatMap(({ cases }) => cases);

for (const { title, cases } of suites) {
  describe(title, () => {
    test.each(cases)('$name', ({ given, event, leadsTo, effects = [], entries = [], job = {} }) => {
      const next = step(sampleJob(given), event, NOW_MS + 1);
      if (next === undefined) throw new Error('the event meant nothing');
      expect(statesOf(next.job)).toBe(leadsTo);
      expect(effectsOf(next)).toEqual(effects);
      expect(entriesOf(next.entries)).toEqual(entries);
      expect(next.job).toMatchObject({ ...job, changedAtMs: NOW_MS + 1 });
    });
  });
}

describe('the job tables', () => {
  /** What one event leads to within a step: the tables see it one after the other, and then what they raised. */
  const raisedBy: Partial<Record<JobEvent['kind'], JobEvent[]>> = {
    'payment-settled': [{ kind: 'funded' }],
    'payment-held': [{ kind: 'funded' }],
    'hold-expired': [{ kind: 'payment-lost' }],
    'invoice-cancelled': [{ kind: 'payment-lost' }],
  };
  const ends: JobEvent[] = [{ kind: 'run-ended' }, { kind: 'run-failed' }];

  /** The job as the tables below the first one see it. */
  const afterFunding = (given: Partial<Job>, event: JobEvent): Job => {
    const job = sampleJob(given);
    return { ...job, funding: step(job, event, NOW_MS)?.job.funding ?? job.funding };
  };

  test('have no row that these cases leave out', () => {
    for (const { part, rows } of tables) {
      const used = new Set(
        all.flatMap(({ given, event }) =>
          [event, ...(raisedBy[event.kind] ?? []), ...ends].map((told) => {
            const job = part === 'delivery' ? afterFunding(given, event) : sampleJob(given);
            return findRow(rows as never, job[part] as never, job, told) as (typeof rows)[number] | undefined;
          }),
        ),
      );
      expect(rows.filter((row) => !used.has(row)).map((row) => `${String(row.from)} on ${row.on}`)).toEqual([]);
    }
  });

  test('leave a job alone when an event means nothing to it', () => {
    for (const kind of ['invoice-created', 'slot-granted', 'output-ended', 'stream-sent', 'quote-expired'] as const) {
      expect(step(sampleJob({ ...sold, delivery: 'delivered' }), EVENTS[kind], NOW_MS)).toBeUndefined();
    }
  });

  test('save every change but those of which a restart makes the same, saved or not', () => {
    const unsaved = all.filter(({ given, event }) => step(sampleJob(given), event, NOW_MS)?.isToBeSaved === false);
    expect(new Set(unsaved.map(({ event }) => event.kind))).toEqual(new Set(['stream-sent']));
    for (const { given, event } of unsaved) {
      const before = sampleJob(given);
      const next = step(before, event, NOW_MS)!;
      expect([next.entries, next.effects]).toEqual([[], []]);
      const [without, withIt] = [before, next.job].map((job) => step(job, EVENTS.restarted, NOW_MS)!);
      expect({ ...withIt, job: statesOf(withIt!.job) }).toEqual({ ...without, job: statesOf(without!.job) });
    }
  });

  test('tell of no payment twice', () => {
    for (const state of [queued, running, producing, sold])
      expect(step(sampleJob(state), EVENTS['payment-settled'], NOW_MS)).toBeUndefined();
  });

  test('are printed in docs/job-tables.md as they are', () => {
    expect(readFileSync(new URL('../../docs/job-tables.md', import.meta.url), 'utf8')).toBe(describeTables());
  });
});
