import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Job } from '../../src/job/job.ts';
import { Market } from '../harness/market.ts';
import { DEADLINES } from '../harness/seller.ts';

const COPIES = 2_500;

/** A market whose ledger holds thousands of delivered answers; one of them was sold, the others are like it. */
async function marketWithAnswers(): Promise<{ market: Market; jobs: readonly Job[] }> {
  const market = await Market.open();
  const quote = await market.buyer.order();
  await market.buyer.pay(quote);
  const sold = await market.advanceUntil(quote.jobId, 'closed ended delivered');
  const jobs = Array.from({ length: COPIES }, (_, index): Job => {
    const paymentHash = createHash('sha256').update(`copy ${index}`).digest('hex');
    return { ...sold, key: `${sold.key}${index}`, paymentHash, endedAtMs: (sold.endedAtMs ?? 0) + index };
  });
  await Promise.all(jobs.map((job) => market.seller.ledger.commit({ job, entries: [], effects: [] })));
  return { market, jobs };
}

describe('the sweeper', () => {
  test('forgets in one round all answers whose time is over, however many they are', async () => {
    const { market } = await marketWithAnswers();
    const { seller, clock } = market;
    await clock.advance(DEADLINES.retentionMs + COPIES);
    await seller.sweeper.sweep();
    expect(await seller.ledger.deliveredBefore(Number.MAX_SAFE_INTEGER, 10)).toEqual([]);
    await market.breathe();
    expect(seller.engine.liveJobs()).toEqual([]);
    expect(seller.spool.usedBytes()).toBe(0);
  });

  test('gives up the oldest answers, and no more than are in the way, when many ask for room at once', async () => {
    const { market, jobs } = await marketWithAnswers();
    const { sweeper, spool, ledger } = market.seller;
    const used = spool.usedBytes();
    expect(used).toBeGreaterThan(0);
    await Promise.all(Array.from({ length: 20 }, () => sweeper.makeRoom(() => spool.usedBytes() === used)));
    expect(spool.usedBytes()).toBe(0);
    const kept = await ledger.deliveredBefore(Number.MAX_SAFE_INTEGER, COPIES);
    expect(kept.length).toBeGreaterThanOrEqual(COPIES - 10);
    expect(kept.at(-1)).toBe(jobs.at(-1)?.key);
  });

  test('ends its search for room when there is nothing left to give up', async () => {
    const market = await Market.open();
    await market.seller.sweeper.makeRoom(() => true);
    expect(market.seller.engine.liveJobs()).toEqual([]);
  });
});
