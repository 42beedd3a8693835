import { join } from 'node:path';
import { expect, test } from 'vitest';
import { buyerAccount, LIGHTNING, reservedAccount } from '../../src/job/entry.ts';
import { stateOf } from '../../src/job/job-state.ts';
import type { Job } from '../../src/job/job.ts';
import { encodeJob } from '../../src/ledger/job-record.ts';
import { MIGRATIONS } from '../../src/ledger/migrations/migrations.ts';
import { openDatabase } from '../../src/ledger/schema.ts';
import { checkLedger, grantCredit, openBooks } from '../../src/ledger/sqlite-books.ts';
import { openSqliteLedger } from '../../src/ledger/sqlite-ledger.ts';
import { msat } from '../../src/money/msat.ts';
import { jobNamed, temporaryDirectory } from './job-fixture.ts';

const FUNDING = ['invoicing', 'open', 'closing', 'funded', 'closed', 'refunded'] as const;
const RUN = ['none', 'queued', 'running', 'producing', 'ended', 'failed'] as const;
/** Every combination that the states allow, whether the tables lead there or not. */
const jobs: Job[] = FUNDING.flatMap((funding) =>
  RUN.flatMap((run) =>
    [true, false].map((cancelled) => jobNamed(`b#${funding} ${run} ${cancelled}`, { funding, run, cancelled })),
  ),
);
const [first] = jobs as [Job];
const buyer = buyerAccount(first.peer);

/** A ledger of version 1, as the first program wrote it: for each job 500 msat came in and stay reserved, and 20 are the buyer's. */
function writeVersion1(path: string): void {
  const db = openDatabase({ path, busyTimeoutMs: 10 }, MIGRATIONS.slice(0, 1));
  expect(db.prepare('PRAGMA user_version').get()).toEqual({ user_version: 1 });
  const insertJob = db.prepare('INSERT INTO job (key, payment_hash, finished, record) VALUES (?, ?, 0, ?)');
  const insertEntry = db.prepare(
    'INSERT INTO entry (job_key, from_account, to_account, amount_msat, reason, at_ms) VALUES (?, ?, ?, ?, ?, 5)',
  );
  const insertBalance = db.prepare('INSERT INTO balance VALUES (?, ?)');
  for (const job of jobs) {
    insertJob.run(job.key, job.paymentHash, encodeJob(job));
    db.prepare('INSERT INTO input VALUES (?, ?)').run(job.key, new Uint8Array([1, 2]));
    db.prepare('INSERT INTO outbox (job_key, effect) VALUES (?, ?)').run(job.key, '{"kind":"deliver"}');
    insertEntry.run(job.key, LIGHTNING, reservedAccount(job.key), 520n, 'payment received');
    insertEntry.run(job.key, reservedAccount(job.key), buyer, 20n, 'remainder');
    insertBalance.run(reservedAccount(job.key), 500n);
  }
  insertBalance.run(LIGHTNING, -520n * BigInt(jobs.length));
  insertBalance.run(buyer, 20n * BigInt(jobs.length));
  db.close();
}

test('a ledger of version 1 keeps every job, entry, input and effect, and its jobs can be found by state', async () => {
  const path = join(await temporaryDirectory(), 'ledger.sqlite');
  writeVersion1(path);
  await expect(checkLedger(path), 'reading migrates nothing').rejects.toThrow(/start the provider once/);
  await expect(grantCredit(path, { peer: 'b', amountMsat: msat(1n), note: 'me: why' })).rejects.toThrow(
    /start the provider once/,
  );

  const ledger = await openSqliteLedger({ path });
  expect(await ledger.recentJobs(1000)).toEqual(jobs.toReversed());
  expect(await ledger.input(first.key)).toEqual(new Uint8Array([1, 2]));
  expect(await ledger.outbox()).toHaveLength(jobs.length);
  expect(await ledger.entries(first.key)).toEqual([
    {
      jobKey: first.key,
      from: LIGHTNING,
      to: reservedAccount(first.key),
      amountMsat: 520n,
      reason: 'payment received',
    },
    { jobKey: first.key, from: reservedAccount(first.key), to: buyer, amountMsat: 20n, reason: 'remainder' },
  ]);
  expect(await ledger.check()).toMatchObject({ problems: [], jobs: jobs.length, entries: 2 * jobs.length });

  const books = await openBooks(path);
  for (const state of new Set(jobs.map(stateOf))) {
    const page = await books.jobs({ state, limit: 1000 });
    expect(page.jobs, state).toEqual(jobs.filter((job) => stateOf(job) === state).toReversed());
  }
  expect((await books.jobs({ peer: first.peer, limit: 1000 })).jobs).toHaveLength(jobs.length);
  expect(await books.jobsNamed(first.jobId, 5)).toEqual([first]);

  await grantCredit(path, { peer: first.peer, amountMsat: msat(7n), note: 'me: welcome' });
  expect(await ledger.balance(buyer)).toBe(20n * BigInt(jobs.length) + 7n);
  expect((await ledger.check()).problems).toEqual([]);
  await Promise.all([books.close(), ledger.close()]);
});
