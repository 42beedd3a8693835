import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, onTestFinished, test } from 'vitest';
import { checkLedger } from '../../src/ledger/sqlite-books.ts';
import { Market } from '../harness/market.ts';
import { DEADLINES } from '../harness/seller.ts';
import { until } from '../harness/until.ts';
import { chat, hex32 } from '../harness/wire-buyer.ts';

// A retention of 24 hours does not grow without bound on disk: days of trade on the real ledger and the real spool, by hand.

const DAYS = 4;
const AT_ONCE = 8;
const ROUNDS = 5;

class Provider {
  readonly market: Market;
  readonly #directory: string;

  private constructor(market: Market, directory: string) {
    this.market = market;
    this.#directory = directory;
  }

  static async open(): Promise<Provider> {
    const directory = await mkdtemp(join(tmpdir(), 'lcp-months-'));
    onTestFinished(() => rm(directory, { recursive: true, force: true }));
    return new Provider(await Market.open(2, { directory }), directory);
  }

  /** Quotes that cost nothing: half of them are cancelled, the others run out. */
  async flood(rounds: number): Promise<void> {
    const { buyer, clock } = this.market;
    for (let round = 0; round < rounds; round++) {
      const quotes = await Promise.all(Array.from({ length: AT_ONCE }, () => buyer.order()));
      const [cancelled, others] = [quotes.slice(0, AT_ONCE / 2), quotes.slice(AT_ONCE / 2)];
      await Promise.all(cancelled.map(({ jobId }) => buyer.cancel(jobId).then(() => buyer.result(jobId))));
      await clock.advance(DEADLINES.quoteTtlS * 1000);
      await Promise.all(others.map(({ jobId }) => this.market.reaches(jobId, 'closed none none')));
    }
  }

  async sell(count: number): Promise<void> {
    const { market } = this;
    for (let sale = 0; sale < count; sale++) {
      const { jobId, ...quote } = await market.buyer.order();
      await market.buyer.pay({ jobId, ...quote });
      await market.advanceUntil(jobId, 'closed ended delivered');
    }
  }

  /** A day goes by, and the provider tidies up. */
  async sleep(): Promise<void> {
    const { clock, seller } = this.market;
    await clock.advance(DEADLINES.retentionMs + DEADLINES.quoteTtlS * 1000);
    await until('nothing is under way', () => seller.engine.liveJobs().length === 0);
    await seller.sweeper.sweep();
    await until('nothing is under way', () => seller.engine.liveJobs().length === 0);
    await clock.advance(1_000); // strikes are saved
    await seller.sweeper.sweep();
  }

  /** On disk, once everything is in the file. */
  async usage(): Promise<{ ledgerBytes: number; jobs: number; inputs: number; spoolFiles: string[] }> {
    const path = join(this.#directory, 'ledger.sqlite');
    const db = new DatabaseSync(path, { timeout: 5_000 });
    expect(db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()).toMatchObject({ busy: 0 });
    const count = (table: string) => Number(db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n']);
    const [jobs, inputs] = [count('job'), count('input')];
    db.close();
    const spoolFiles = await readdir(join(this.#directory, 'spool'), { recursive: true });
    return { ledgerBytes: (await stat(path)).size, jobs, inputs, spoolFiles };
  }

  async areBooksRight(): Promise<boolean> {
    return (await checkLedger(join(this.#directory, 'ledger.sqlite'))).problems.length === 0;
  }
}

describe('a provider that runs for a long time', { timeout: 120_000 }, () => {
  test('keeps nothing of days of quotes that nobody paid, and its ledger grows no more after the first', async () => {
    const provider = await Provider.open();
    const { market } = provider;
    const before = await provider.usage();
    const ledgerBytes: number[] = [];
    for (let day = 0; day < DAYS; day++) {
      await provider.flood(ROUNDS);
      expect((await provider.usage()).jobs).toBe(ROUNDS * AT_ONCE);
      await provider.sleep();
      const after = await provider.usage();
      expect(after).toMatchObject({ jobs: 0, inputs: 0, spoolFiles: before.spoolFiles });
      ledgerBytes.push(after.ledgerBytes);
    }
    expect(ledgerBytes.at(-1), ledgerBytes.join()).toBeLessThanOrEqual(1.05 * (ledgerBytes[0] ?? 0));
    expect(market.seller.fatal).toEqual([]);
    expect(await provider.areBooksRight()).toBe(true);
  });

  test('keeps of each sale some kilobytes of books and nothing of its answer', async () => {
    const provider = await Provider.open();
    const before = await provider.usage();
    const ledgerBytes: number[] = [];
    const sales = 10;
    for (let day = 0; day < DAYS; day++) {
      await provider.sell(sales);
      await provider.sleep();
      const after = await provider.usage();
      expect(after).toMatchObject({ jobs: (day + 1) * sales, inputs: 0, spoolFiles: before.spoolFiles });
      ledgerBytes.push(after.ledgerBytes);
    }
    const perSale = ((ledgerBytes.at(-1) ?? 0) - (ledgerBytes[0] ?? 0)) / ((DAYS - 1) * sales);
    expect(perSale, ledgerBytes.join()).toBeLessThan(10_000);
    expect(await provider.areBooksRight()).toBe(true);
  });

  test('sells a job id again that was forgotten, as a new sale', async () => {
    const provider = await Provider.open();
    const { market } = provider;
    const { buyer } = market;
    const jobId = hex32();
    const first = await buyer.order(undefined, jobId);
    await buyer.cancel(jobId);
    await buyer.result(jobId);
    await provider.sleep();
    expect(await market.job(jobId)).toBeUndefined();
    await buyer.request(jobId);
    await buyer.input(jobId, chat());
    const second = await buyer.hear('quote', jobId, 2);
    expect(second.paymentRequest).not.toBe(first.paymentRequest);
    await buyer.pay(second);
    await market.advanceUntil(jobId, 'closed ended delivered');
  });
});
