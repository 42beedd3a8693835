import { expect, test } from 'vitest';
import { Effects } from '../../src/engine/effects.ts';
import type { PerformEffect } from '../../src/engine/effects.ts';
import { LiveJobs } from '../../src/engine/live-jobs.ts';
import type { Effect } from '../../src/job/effect.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { ManualClock, turn } from '../harness/manual-clock.ts';
import { silentLog } from '../harness/silent-log.ts';
import { sampleJob } from '../job/sample-job.ts';

const RETRY_MS = 30_000;

/** The effects of one job that was just accepted, in an outbox of their own. */
function outbox(perform: PerformEffect) {
  const clock = new ManualClock();
  const jobs = new LiveJobs();
  const struck: number[] = [];
  const ledger = { strike: (id: number) => void struck.push(id) } as unknown as Ledger;
  const effects = new Effects({ ledger, clock, log: silentLog, jobs, perform });
  const live = jobs.remember(sampleJob());
  const begin = (...kinds: Effect['kind'][]) =>
    effects.performAll(
      live,
      kinds.map((kind, index) => ({ id: index + 1, jobKey: live.job.key, effect: { kind } as Effect })),
    );
  return { clock, jobs, live, struck, begin };
}

test('an effect that failed is performed again after a while, and is struck out only then', async () => {
  let calls = 0;
  const { clock, struck, begin } = outbox(async () => {
    if (++calls === 1) throw new Error('no');
  });
  begin('create-invoice');
  await turn();
  expect({ calls, struck }).toEqual({ calls: 1, struck: [] });
  await clock.advance(RETRY_MS);
  expect({ calls, struck }).toEqual({ calls: 2, struck: [1] });
});

test('a job stays in memory while an effect of it waits to be repeated', async () => {
  let fails = true;
  const { clock, jobs, live, begin } = outbox(async () => {
    if (fails) throw new Error('no');
  });
  live.job = { ...live.job, funding: 'closed' };
  begin('cancel-invoice');
  await turn();
  expect(jobs.has(live)).toBe(true);
  fails = false;
  await clock.advance(RETRY_MS);
  expect(jobs.has(live)).toBe(false);
});

test('the effects of a job are begun one after the other, but nothing waits for what is sent', async () => {
  const begun: string[] = [];
  const first = Promise.withResolvers<void>();
  const { begin } = outbox((_job, { kind }) => {
    begun.push(kind);
    return kind === 'create-invoice'
      ? first.promise
      : kind === 'send-quote'
        ? new Promise(() => {})
        : Promise.resolve();
  });
  begin('create-invoice', 'send-quote', 'start-run');
  await turn();
  expect(begun).toEqual(['create-invoice']);
  first.resolve();
  await turn();
  expect(begun).toEqual(['create-invoice', 'send-quote', 'start-run']);
});

test('work is stopped at once, whatever is under way', async () => {
  const begun: string[] = [];
  const { begin } = outbox((_job, { kind }) => {
    begun.push(kind);
    return new Promise(() => {});
  });
  begin('create-invoice', 'abort-run');
  await turn();
  expect(begun).toContain('abort-run');
});
