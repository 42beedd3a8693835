import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Market } from '../harness/market.ts';
import { DEADLINES } from '../harness/seller.ts';
import { collectingLog } from '../harness/silent-log.ts';
import { until } from '../harness/until.ts';

async function sell(market: Market): Promise<bigint> {
  const quote = await market.buyer.order();
  await market.buyer.pay(quote);
  await market.buyer.result(quote.jobId);
  await market.reaches(quote.jobId, 'closed ended *');
  return quote.priceMsat;
}

async function directories(): Promise<{ now: string; backup: string }> {
  const root = await mkdtemp(join(tmpdir(), 'lcp-books-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  return { now: join(root, 'now'), backup: join(root, 'backup') };
}

describe('books that were restored from an old copy', () => {
  test('are noticed at the start, with the number of sales that they miss', async () => {
    const { now, backup } = await directories();
    const market = await Market.open(2, { directory: now });
    await sell(market);
    await market.seller.bury();
    await cp(now, backup, { recursive: true });
    await market.openSeller({ directory: now });
    await market.meet();
    const missing = await sell(market);
    await market.buyer.order(); // and one invoice that nobody has paid
    const { log, text } = collectingLog();
    await market.restart({ directory: backup, log });
    expect(text()).toContain('"invoices":2,"settled":1');
    expect(text()).toContain(`"received_msat":"${missing}"`);
  });

  test('books that are complete are not accused', async () => {
    const market = await Market.open();
    await sell(market);
    await market.buyer.order();
    const { log, text } = collectingLog();
    await market.restart({ log });
    expect(text()).not.toContain('old copy');
  });

  test('books that forgot what nobody paid are not accused, and a sale that they miss is noticed all the same', async () => {
    const { now, backup } = await directories();
    const market = await Market.open(2, { directory: now });
    await sell(market);
    // By one without credit: what reserves credit has entries, and stays.
    const looker = await market.anotherBuyer('looker');
    const [cancelled, lapsed] = [await looker.order(), await looker.order()];
    await looker.cancel(cancelled.jobId);
    await looker.result(cancelled.jobId);
    await market.clock.advance(DEADLINES.quoteTtlS * 1000 + DEADLINES.retentionMs);
    await until('both are forgotten', async () => {
      await market.clock.advance(1_000);
      await market.seller.sweeper.sweep();
      const jobs = await market.seller.ledger.recentJobs(9);
      return !jobs.some(({ jobId }) => [cancelled.jobId, lapsed.jobId].includes(jobId));
    });
    const { log, text } = collectingLog();
    await market.restart({ directory: now, log });
    expect(text()).not.toContain('old copy');

    await market.seller.bury();
    await cp(now, backup, { recursive: true });
    await market.openSeller({ directory: now });
    await market.meet();
    await sell(market);
    await market.restart({ directory: backup, log });
    expect(text()).toContain('"invoices":1,"settled":1');
  });
});
