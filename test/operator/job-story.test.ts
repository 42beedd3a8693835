import { describe, expect, test } from 'vitest';
import { buyerAccount, LIGHTNING, reservedAccount, REVENUE } from '../../src/job/entry.ts';
import type { BookedEntry } from '../../src/ledger/books.ts';
import { msat } from '../../src/money/msat.ts';
import { durationMs, jobMoney, jobStory } from '../../src/operator/job-story.ts';
import { sampleJob } from '../job/sample-job.ts';

const job = sampleJob();
const [reserved, buyer] = [reservedAccount(job.key), buyerAccount(job.peer)];
const entry = (from: string, to: string, amount: bigint, reason: string): BookedEntry => ({
  from,
  to,
  amountMsat: msat(amount),
  reason,
  atMs: 5,
});
const setAside = entry(buyer, reserved, 300n, 'credit reserved');
const paid = entry(LIGHTNING, reserved, 700n, 'payment received');

describe('the money of a job', () => {
  test.each([
    [
      'served, its price lowered by credit',
      [setAside, paid, entry(reserved, REVENUE, 600n, 'charge'), entry(reserved, buyer, 400n, 'remainder')],
      { creditUsedMsat: 300n, coverMsat: 1000n, chargeMsat: 600n, creditGivenMsat: 400n },
    ],
    [
      'failed by our fault',
      [setAside, paid, entry(reserved, buyer, 1000n, 'refund of our failure')],
      { creditUsedMsat: 300n, coverMsat: 1000n, chargeMsat: 0n, creditGivenMsat: 1000n },
    ],
    [
      'never paid: the credit went back, and none was given',
      [setAside, entry(reserved, buyer, 300n, 'credit released')],
      { creditUsedMsat: 300n, coverMsat: 0n, chargeMsat: 0n, creditGivenMsat: 0n },
    ],
    [
      'paid too late',
      [entry(LIGHTNING, buyer, 700n, 'payment received, not served')],
      { creditUsedMsat: 0n, coverMsat: 0n, chargeMsat: 0n, creditGivenMsat: 700n },
    ],
    ['not paid yet', [], { creditUsedMsat: 0n, coverMsat: 0n, chargeMsat: 0n, creditGivenMsat: 0n }],
  ])('that was %s', (_what, entries, money) => expect(jobMoney(job, entries)).toEqual(money));
});

describe('the story of a job', () => {
  const times = { fundedAtMs: 2000, queuedAtMs: 2000, startedAtMs: 9000, beganAtMs: 9100, endedAtMs: 12_000 };
  const served = sampleJob({
    ...times,
    acceptedAtMs: 1000,
    sentAtMs: 12_500,
    funding: 'closed',
    run: 'ended',
    delivery: 'delivered',
    attempts: 2,
    paymentRequest: 'lnbc1secret',
    preimage: 'ab'.repeat(32),
  });

  test('tells what happened in the order of time', () => {
    expect(jobStory(served, []).moments).toEqual([
      { atMs: 1000, what: 'accepted, priced, invoice made and quoted' },
      { atMs: 2000, what: 'paid' },
      { atMs: 2000, what: 'queued' },
      { atMs: 9000, what: 'started, attempt 2' },
      { atMs: 9100, what: 'first byte' },
      { atMs: 12_000, what: 'ended' },
      { atMs: 12_500, what: 'delivered' },
    ]);
    expect(durationMs(served, 99_000)).toBe(10_000);
  });

  test('keeps its time order when a job was queued again, and counts the time of one under way until now', () => {
    const { sentAtMs: _, endedAtMs: __, ...rest } = { ...served, run: 'queued' as const, queuedAtMs: 9500 };
    expect(jobStory(rest, []).moments.at(-1)).toEqual({ atMs: 9500, what: 'queued' });
    expect(durationMs(rest, 99_000)).toBe(97_000);
    expect(durationMs(sampleJob(), 99_000)).toBeUndefined();
  });

  test('holds no secret: no preimage, no invoice, nothing of the request but its size', () => {
    const text = JSON.stringify(
      jobStory({ ...served, failure: 'the backend is gone' }, [paid]),
      (_key, value: unknown) => (typeof value === 'bigint' ? `${value}` : value),
    );
    for (const secret of [served.preimage, 'lnbc1secret', served.terms.inputSha256, served.terms.termsHash])
      expect(text).not.toContain(secret);
    expect(text).toContain('the backend is gone');
  });
});
