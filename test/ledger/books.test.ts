import { DatabaseSync } from 'node:sqlite';
import { onTestFinished } from 'vitest';
import { describe, expect, test } from 'vitest';
import { buyerAccount, GRANT, LIGHTNING, reservedAccount, REVENUE } from '../../src/job/entry.ts';
import type { Job } from '../../src/job/job.ts';
import type { Books, CheckProgress } from '../../src/ledger/books.ts';
import { checkLedger, grantCredit, openBooks } from '../../src/ledger/sqlite-books.ts';
import type { SqliteLedger } from '../../src/ledger/sqlite-ledger.ts';
import { msat } from '../../src/money/msat.ts';
import { changeOf, jobNamed, temporaryLedger } from './job-fixture.ts';

/** A ledger that is served, and its books, read from another thread. */
async function servedBooks(): Promise<{ ledger: SqliteLedger; path: string; books: Books }> {
  const { ledger, path } = await temporaryLedger();
  const books = await openBooks(path);
  onTestFinished(() => books.close());
  return { ledger, path, books };
}

/** 1,000 msat came in for the job, 600 were charged, the rest is the buyer's. */
const sale = (job: Job) => {
  const move = (from: string, to: string, amount: bigint, reason: string) => ({
    jobKey: job.key,
    from,
    to,
    amountMsat: msat(amount),
    reason,
  });
  const reserved = reservedAccount(job.key);
  return [
    move(LIGHTNING, reserved, 1000n, 'payment received'),
    move(reserved, REVENUE, 600n, 'charge'),
    move(reserved, buyerAccount(job.peer), 400n, 'remainder'),
  ];
};
const served = (name: string): Job => jobNamed(name, { funding: 'closed', run: 'ended', delivery: 'delivered' });

describe('the books', () => {
  test('list jobs newest first, by state and buyer, page by page', async () => {
    const { ledger, books } = await servedBooks();
    const jobs = Array.from({ length: 30 }, (_, index) =>
      index % 3 === 0 ? served(`a#${index}`) : jobNamed(`${index % 2 === 0 ? 'a' : 'b'}#${index}`),
    );
    for (const job of jobs) await ledger.commit(changeOf(job));
    const newest = jobs.toReversed();
    const peer = jobNamed('a').peer;
    const all: Job[] = [];
    let before: number | undefined;
    do {
      const page = await books.jobs({ limit: 7, ...(before !== undefined && { before }) });
      all.push(...page.jobs);
      before = page.next;
    } while (before !== undefined);
    expect(all).toEqual(newest);
    expect((await books.jobs({ limit: 3, state: 'served' })).jobs).toEqual(
      newest.filter(({ run }) => run === 'ended').slice(0, 3),
    );
    expect((await books.jobs({ limit: 99, peer, state: 'open' })).jobs).toEqual(
      newest.filter((job) => job.peer === peer && job.run === 'none'),
    );
    expect(await books.jobs({ limit: 9, state: 'failed' })).toEqual({ jobs: [] });
  });

  test('follow a job from state to state', async () => {
    const { ledger, books } = await servedBooks();
    await ledger.commit(changeOf(jobNamed('x')));
    expect((await books.jobs({ limit: 9, state: 'open' })).jobs).toHaveLength(1);
    await ledger.commit(changeOf(jobNamed('x', { funding: 'refunded', run: 'failed' })));
    expect((await books.jobs({ limit: 9, state: 'open' })).jobs).toEqual([]);
    expect((await books.jobs({ limit: 9, state: 'failed' })).jobs).toHaveLength(1);
  });

  test('find a job by the beginning of its id or of its payment hash, or by its key; a buyer by the beginning of its id', async () => {
    const { ledger, books } = await servedBooks();
    const job = jobNamed('x');
    for (const one of [job, jobNamed('y'), jobNamed('z')]) await ledger.commit(changeOf(one));
    expect(await books.jobsNamed(job.jobId.slice(0, 12), 5)).toEqual([job]);
    expect(await books.jobsNamed(job.paymentHash.slice(0, 12), 5)).toEqual([job]);
    expect(await books.jobsNamed(job.key, 5)).toEqual([job]);
    expect(await books.jobsNamed('', 2)).toHaveLength(2);
    expect(await books.jobsNamed('xyz', 5)).toEqual([]);
    expect(await books.jobsNamed("' OR 1=1 --%_*", 5)).toEqual([]);
    expect(await books.peersNamed(job.peer.slice(0, 12), 5)).toEqual([job.peer]);
    expect(await books.peersNamed('02', 5)).toHaveLength(3);
    expect(await books.peersNamed('03', 5)).toEqual([]);
  });

  test("tell each buyer's credit, the largest first, when it was last active, and what is owed all in all", async () => {
    const { ledger, path, books } = await servedBooks();
    const [a, b] = [served('a'), { ...served('b'), acceptedAtMs: 1_800_000_000_000 }];
    await ledger.commit(changeOf(a, { entries: sale(a) }));
    await ledger.commit(changeOf(b));
    const underWay = jobNamed('a#2');
    const reserve = { from: buyerAccount(a.peer), to: reservedAccount(underWay.key), reason: 'credit reserved' };
    await ledger.commit(
      changeOf(underWay, { entries: [{ jobKey: underWay.key, amountMsat: msat(150n), ...reserve }] }),
    );
    expect(await books.credits(false)).toMatchObject({
      buyers: [{ peer: a.peer, balanceMsat: 250n }],
      creditMsat: 250n,
      reservedMsat: 150n,
    });
    const clock = { nowMs: () => 1_900_000_000_000, timer: () => () => undefined };
    await grantCredit(path, { peer: 'stranger', amountMsat: msat(900n), note: 'me: welcome' }, clock);
    const { buyers, creditMsat } = await books.credits(true);
    expect(creditMsat).toBe(1150n);
    expect(buyers.map(({ peer, balanceMsat }) => [peer, balanceMsat])).toEqual([
      ['stranger', 900n],
      [a.peer, 250n],
      [b.peer, 0n],
    ]);
    expect(buyers[0]?.lastAtMs).toBe(1_900_000_000_000);
    expect(buyers[2]?.lastAtMs).toBe(1_800_000_000_000);
  });
});

describe("an operator's grant", () => {
  test('is booked beside the process that serves, which sees it at once, and stays as an entry with its note', async () => {
    const { ledger, path } = await servedBooks();
    const job = served('a');
    await ledger.commit(changeOf(job, { entries: sale(job) }));
    const granting = Array.from({ length: 5 }, () =>
      grantCredit(path, { peer: job.peer, amountMsat: msat(5000n), note: 'alice: slow answers' }),
    );
    const commits = Array.from({ length: 50 }, (_, index) => ledger.commit(changeOf(jobNamed(`c#${index}`))));
    expect(await Promise.all(granting)).toContain(25_400n);
    await Promise.all(commits);
    expect(await ledger.balance(buyerAccount(job.peer))).toBe(25_400n);
    expect(await ledger.balance(GRANT)).toBe(-25_000n);
    expect(await checkLedger(path)).toMatchObject({
      problems: [],
      totals: { lightningMsat: 1000n, grantMsat: 25_000n, revenueMsat: 600n, creditMsat: 25_400n, reservedMsat: 0n },
    });
    const db = new DatabaseSync(path);
    expect(db.prepare('SELECT job_key, reason, note FROM entry WHERE from_account = ?').all(GRANT)[4]).toEqual({
      job_key: null,
      reason: 'operator grant',
      note: 'alice: slow answers',
    });
    expect(() => db.exec(`UPDATE entry SET note = 'x'`)).toThrow(/only ever added/);
    expect(() => db.exec(`INSERT INTO entry VALUES (99, NULL, 'grant', 'buyer:x', 1, 'r', NULL, 1)`)).toThrow(/CHECK/);
    db.close();
  });

  test.each([0n, -5n])('of %s msat is refused', async (amount) => {
    const { path } = await servedBooks();
    const grant = grantCredit(path, { peer: 'a', amountMsat: msat(amount), note: 'me: why' });
    await expect(grant).rejects.toMatchObject({ code: 'failed' });
    expect((await checkLedger(path)).entries).toBe(0);
  });
});

describe('a check of the books', () => {
  test.each([
    ['something is reserved for a job at rest', `UPDATE job SET finished = 1`, /reserved:.*a job that is at rest/],
    [
      'a balance is wrong',
      `UPDATE balance SET balance_msat = 7 WHERE account = 'revenue'`,
      /revenue: the balance is 7/,
    ],
    ['a balance without entries', `INSERT INTO balance VALUES ('buyer:x', 9)`, /buyer:x: the balance is 9 msat/],
    [
      'an account of no kind',
      `INSERT INTO entry (from_account, to_account, amount_msat, reason, note, at_ms) VALUES ('grant', 'slush', 5, 'r', 'n', 1);
       INSERT INTO balance VALUES ('slush', 5), ('grant', -5)`,
      /^slush: the books know no such kind of account$/,
    ],
    [
      'an entry of no job',
      `PRAGMA foreign_keys = OFF;
       INSERT INTO entry (job_key, from_account, to_account, amount_msat, reason, at_ms) VALUES ('none', 'grant', 'buyer:x', 5, 'r', 1);
       INSERT INTO balance VALUES ('buyer:x', 5), ('grant', -5)`,
      /^a row of entry belongs to no job$/,
    ],
  ])('finds that %s', async (_what, sql, problem) => {
    const { ledger, path } = await servedBooks();
    const job = jobNamed('under way');
    await ledger.commit(changeOf(job, { entries: sale(job).slice(0, 2) }));
    expect((await checkLedger(path)).problems).toEqual([]);
    const db = new DatabaseSync(path);
    db.exec(sql);
    db.close();
    expect((await checkLedger(path)).problems).toContainEqual(expect.stringMatching(problem));
    // The process that serves checks the arithmetic alone.
    const { problems } = await ledger.check();
    expect(problems.length > 0, problems.join()).toBe(!problem.source.includes('belongs to no job'));
  });

  test('sees one moment of a ledger that is written meanwhile', async () => {
    const { ledger, path } = await servedBooks();
    let isOver = false;
    const writing = (async () => {
      for (let round = 0; !isOver; round++) {
        const jobs = Array.from({ length: 20 }, (_, index) => served(`w#${round} ${index}`));
        await Promise.all(jobs.map((job) => ledger.commit(changeOf(job, { entries: sale(job) }))));
      }
    })();
    for (let round = 0; round < 6; round++) expect((await checkLedger(path)).problems).toEqual([]);
    isOver = true;
    await writing;
  });

  test('tells how far it is', async () => {
    const { ledger, path } = await servedBooks();
    const job = served('a');
    await ledger.commit(changeOf(job, { entries: sale(job) }));
    const told: CheckProgress[] = [];
    await checkLedger(path, (progress) => told.push(progress));
    expect(told).toEqual([{ checking: 'the file' }, { checking: 'entries', done: 0, of: 3 }, { checking: 'balances' }]);
  });
});
