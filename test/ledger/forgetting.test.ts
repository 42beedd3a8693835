import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { buyerAccount, LIGHTNING, reservedAccount } from '../../src/job/entry.ts';
import type { Job } from '../../src/job/job.ts';
import { encodeJob } from '../../src/ledger/job-record.ts';
import { MIGRATIONS } from '../../src/ledger/migrations/migrations.ts';
import { openDatabase } from '../../src/ledger/schema.ts';
import { grantCredit } from '../../src/ledger/sqlite-books.ts';
import { openSqliteLedger } from '../../src/ledger/sqlite-ledger.ts';
import type { SqliteLedger } from '../../src/ledger/sqlite-ledger.ts';
import { msat } from '../../src/money/msat.ts';
import { changeOf, jobNamed, temporaryDirectory, temporaryLedger } from './job-fixture.ts';

const unpaid = jobNamed('unpaid', { funding: 'closed' });
const EXPIRY_MS = unpaid.terms.quoteExpiryS * 1000;
const LATER_MS = EXPIRY_MS + 1;
const received = ({ key, peer }: Job, to: 'reserved' | 'buyer' = 'reserved') => ({
  jobKey: key,
  from: LIGHTNING,
  to: to === 'buyer' ? buyerAccount(peer) : reservedAccount(key),
  amountMsat: msat(500n),
  reason: 'received',
});

describe('a job that nobody paid', () => {
  test('is deleted once its quote ended before the given time, and its id can be sold again', async () => {
    const { ledger } = await temporaryLedger();
    await ledger.commit(changeOf({ ...unpaid, funding: 'open' }, { input: new Uint8Array(9) }));
    await ledger.commit(changeOf(unpaid));
    expect(await ledger.forgetUnpaid(EXPIRY_MS, 10)).toBe(0);
    expect(await ledger.forgetUnpaid(LATER_MS, 10)).toBe(1);
    expect(await ledger.job(unpaid.key)).toBeUndefined();
    expect(await ledger.jobByPaymentHash(unpaid.paymentHash)).toBeUndefined();
    expect(await ledger.input(unpaid.key)).toBeUndefined();
    await ledger.commit(changeOf({ ...unpaid, paymentHash: 'ff', funding: 'open' }, { input: new Uint8Array(9) }));
    expect(await ledger.job(unpaid.key)).toMatchObject({ paymentHash: 'ff' });
  });

  test('goes with the oldest of many, as many at once as asked for', async () => {
    const { ledger } = await temporaryLedger();
    const jobs = Array.from({ length: 30 }, (_, index): Job => {
      const job = jobNamed(`n${index}`, { funding: 'closed', cancelled: index % 2 === 0 });
      return { ...job, terms: { ...job.terms, quoteExpiryS: job.terms.quoteExpiryS - index } };
    });
    await Promise.all(jobs.map((job) => ledger.commit(changeOf(job))));
    expect(await ledger.forgetUnpaid(LATER_MS, 20)).toBe(20);
    expect(await ledger.recentJobs(100)).toEqual(jobs.slice(0, 10).toReversed());
    expect(await ledger.forgetUnpaid(LATER_MS, 20)).toBe(10);
  });

  test('waits for what is left in the outbox, and does not keep others from going', async () => {
    const { ledger } = await temporaryLedger();
    const [effect] = await ledger.commit(changeOf(unpaid, { effects: [{ kind: 'delete-contents' }] }));
    await ledger.commit(changeOf(jobNamed('other', { funding: 'closed' })));
    expect(await ledger.forgetUnpaid(LATER_MS, 1)).toBe(1);
    expect(await ledger.recentJobs(9)).toEqual([unpaid]);
    ledger.strike(effect?.id ?? 0);
    expect(await ledger.forgetUnpaid(LATER_MS, 1)).toBe(1);
  });

  test('stays while its invoice can be paid, and for ever once a payment came, however late', async () => {
    const { ledger } = await temporaryLedger();
    const booked = jobNamed('booked', { funding: 'closed' }); // by a program with a bug: without the receipt
    const entries = [
      received(booked),
      { ...received(booked), from: reservedAccount(booked.key), to: buyerAccount('b') },
    ];
    const kept: [Job, Parameters<typeof changeOf>[1]?][] = [
      [jobNamed('open', { funding: 'open' })],
      [jobNamed('closing', { funding: 'closing' })],
      [jobNamed('paid late', { funding: 'closed', receivedMsat: msat(0n) })],
      [booked, { entries }],
    ];
    for (const [job, rest] of kept) await ledger.commit(changeOf(job, rest));
    await ledger.commit(changeOf(unpaid));
    await ledger.commit(
      changeOf({ ...unpaid, receivedMsat: msat(500n) }, { entries: [received(unpaid, 'buyer')], effects: [] }),
    );
    expect(await ledger.forgetUnpaid(Number.MAX_SAFE_INTEGER, 10)).toBe(0);
    expect(await ledger.recentJobs(10)).toHaveLength(kept.length + 1);
  });

  test('goes with the entries that reserved credit for it and released it, and no balance changes', async () => {
    const { ledger, path } = await temporaryLedger();
    const asking = jobNamed('x#asked', { funding: 'open', reservedMsat: msat(300n) });
    const waiting = jobNamed('x#waits', { funding: 'open', reservedMsat: msat(200n) });
    const [own, reserved] = [buyerAccount(asking.peer), reservedAccount(asking.key)];
    const move = { jobKey: asking.key, from: own, to: reserved, amountMsat: msat(300n), reason: 'credit reserved' };
    await grantCredit(path, { peer: asking.peer, amountMsat: msat(500n), note: 'me: why' });
    await ledger.commit(changeOf(asking, { entries: [move] }));
    await ledger.commit(
      changeOf(waiting, {
        entries: [{ ...move, jobKey: waiting.key, to: reservedAccount(waiting.key), amountMsat: msat(200n) }],
      }),
    );
    expect(await ledger.forgetUnpaid(Number.MAX_SAFE_INTEGER, 9)).toBe(0);
    await ledger.commit(
      changeOf({ ...asking, funding: 'closed' }, { entries: [{ ...move, from: reserved, to: own }] }),
    );
    const balances = await ledger.balances();
    expect(await ledger.forgetUnpaid(LATER_MS, 9)).toBe(1);
    expect(await ledger.recentJobs(9)).toEqual([waiting]);
    expect(await ledger.entries(asking.key)).toEqual([]);
    expect(await ledger.balances()).toEqual(balances);
    expect(await ledger.check()).toMatchObject({ problems: [], entries: 2 });
  });

  test('that is at work on the way to deletion comes back whole with what is saved of it then', async () => {
    const { ledger } = await temporaryLedger();
    await ledger.commit(changeOf(unpaid));
    await ledger.forgetUnpaid(LATER_MS, 1);
    const late = { ...unpaid, receivedMsat: msat(500n) };
    await ledger.commit(changeOf(late, { entries: [received(late, 'buyer')], effects: [{ kind: 'send-quote' }] }));
    expect(await ledger.job(late.key)).toEqual(late);
    expect(await ledger.balance(buyerAccount(late.peer))).toBe(500n);
    expect((await ledger.check()).problems).toEqual([]);
  });
});

/** Ways to delete a job by mistake: each job is one that looks forgettable but for one thing. */
const KEPT: [string, (ledger: SqliteLedger, job: Job) => Promise<unknown>][] = [
  ['has entries', (ledger, job) => ledger.commit(changeOf(job, { entries: [received(job)] }))],
  ['has a receipt', (ledger, job) => ledger.commit(changeOf({ ...job, receivedMsat: msat(1n) }))],
  ['is not at rest', (ledger, job) => ledger.commit(changeOf({ ...job, funding: 'open' }))],
  ['has effects to perform', (ledger, job) => ledger.commit(changeOf(job, { effects: [{ kind: 'deliver' }] }))],
  ['has its request', (ledger, job) => ledger.commit(changeOf(job, { input: new Uint8Array(1) }))],
];

describe('the ledger file', () => {
  test.each(KEPT)('lets nobody delete a job that %s, even with foreign keys off', async (_why, save) => {
    const { ledger, path } = await temporaryLedger();
    await save(ledger, unpaid);
    const db = new DatabaseSync(path, { enableForeignKeyConstraints: false });
    const remove = () => db.exec('DELETE FROM job');
    expect(remove).toThrow(/a job is kept for ever/);
    // Neither when the column lies, as that of a program with a bug might.
    db.exec('UPDATE job SET unpaid_expiry_ms = 1');
    expect(remove).toThrow(/a job is kept for ever/);
    db.close();
    expect(await ledger.recentJobs(9)).toHaveLength(1);
  });

  test('lets nobody delete the entries of a job that can still be paid, or was, or that move other money', async () => {
    const { ledger, path } = await temporaryLedger();
    const { key, peer } = unpaid;
    const reserve = {
      jobKey: key,
      from: buyerAccount(peer),
      to: reservedAccount(key),
      amountMsat: msat(5n),
      reason: 'r',
    };
    const release = { ...reserve, from: reserve.to, to: reserve.from };
    const db = new DatabaseSync(path);
    const remove = () => db.exec('DELETE FROM entry WHERE job_key IS NOT NULL');
    await grantCredit(path, { peer, amountMsat: msat(5n), note: 'me: why' });
    expect(() => db.exec('DELETE FROM entry')).toThrow(/only ever added/);
    await ledger.commit(changeOf({ ...unpaid, funding: 'open' }, { entries: [reserve] }));
    expect(remove).toThrow(/only ever added/);
    await ledger.commit(changeOf({ ...unpaid, receivedMsat: msat(1n) }, { entries: [release] }));
    expect(remove).toThrow(/only ever added/);
    await ledger.commit(changeOf(unpaid));
    expect(() => db.exec('BEGIN; DELETE FROM entry WHERE job_key IS NOT NULL; ROLLBACK')).not.toThrow();
    await ledger.commit(changeOf(unpaid, { entries: [received(unpaid, 'buyer')] }));
    expect(remove).toThrow(/only ever added/);
    db.close();
  });

  test('of version 2 says of its jobs which can be forgotten, who paid last, and keeps its manifests', async () => {
    const path = join(await temporaryDirectory(), 'ledger.sqlite');
    const db = openDatabase({ path, busyTimeoutMs: 10 }, MIGRATIONS.slice(0, 2));
    const insert = db.prepare('INSERT INTO job (key, payment_hash, finished, record) VALUES (?, ?, ?, ?)');
    const save = (job: Job, finished: number) => insert.run(job.key, job.paymentHash, finished, encodeJob(job));
    const insertEntry = db.prepare(
      `INSERT INTO entry (job_key, from_account, to_account, amount_msat, reason, at_ms) VALUES (?, ?, ?, 500, 'r', 1)`,
    );
    const open = jobNamed('open');
    const paid = ['x#1', 'y#1', 'x#2'].map((name) => jobNamed(name, { funding: 'closed', receivedMsat: msat(500n) }));
    const released = jobNamed('released', { funding: 'closed' });
    save(unpaid, 1);
    save(open, 0);
    for (const job of paid) {
      save(job, 1);
      insertEntry.run(job.key, LIGHTNING, reservedAccount(job.key));
    }
    save(released, 1);
    insertEntry.run(released.key, reservedAccount(released.key), buyerAccount(released.peer));
    db.exec(`INSERT INTO manifest VALUES ('p', 1, x'0102')`);
    db.close();

    const ledger = await openSqliteLedger({ path });
    expect(await ledger.recentPayers(9)).toEqual([paid[0]?.peer, paid[1]?.peer]);
    expect(await ledger.manifests('p')).toEqual([{ type: 1, payload: new Uint8Array([1, 2]) }]);
    expect(await ledger.forgetUnpaid(LATER_MS, 9)).toBe(1);
    expect((await ledger.recentJobs(9)).toReversed()).toEqual([open, ...paid, released]);
    await ledger.close();
  });
});

test('of a job whose contents are gone the story is kept, but no secret and no invoice', async () => {
  const { ledger, path } = await temporaryLedger();
  const [streamId, sha256] = ['5a'.repeat(32), '5b'.repeat(32)];
  const delivered = jobNamed('sold', {
    funding: 'closed',
    run: 'ended',
    delivery: 'delivered',
    receivedMsat: msat(500n),
    chargeMsat: msat(400n),
    paymentRequest: 'lnbc5invoice',
    streamId,
    contentType: 'text/event-stream',
    output: { streamId, contentType: 'text/event-stream', bytes: 77, sha256 },
    usage: { inputTokens: 3, outputTokens: 4 },
    endedAtMs: 5,
  });
  await ledger.commit(changeOf(delivered));
  expect(await ledger.job(delivered.key)).toEqual(delivered);
  await ledger.commit(changeOf({ ...delivered, delivery: 'done' }));
  const { terms, ...story } = (await ledger.job(delivered.key)) as Job;
  expect(terms).toMatchObject({ paramsHex: delivered.terms.paramsHex, inputBytes: 7, priceMsat: 123_456n });
  const { work, breakdown, paymentHash, chargeMsat, usage, endedAtMs } = delivered;
  expect(story).toMatchObject({ delivery: 'done', work, breakdown, paymentHash, chargeMsat, usage, endedAtMs });
  expect(story.output?.bytes).toBe(77);
  const db = new DatabaseSync(path, { readOnly: true });
  const record = String(db.prepare('SELECT record FROM job').get()?.['record']);
  db.close();
  for (const gone of [delivered.preimage, 'lnbc5', streamId, sha256, delivered.terms.inputSha256])
    expect(record).not.toContain(gone);
});

test('manifests of strangers are forgotten beyond so many, the oldest first; those of buyers stay', async () => {
  const { ledger, path } = await temporaryLedger();
  const buyer = jobNamed('buyer');
  const payload = new Uint8Array([7]);
  const strangers = Array.from({ length: 6 }, (_, index) => `stranger ${index}`);
  await ledger.commit(changeOf(buyer));
  await grantCredit(path, { peer: 'friend', amountMsat: msat(1n), note: 'me: why' });
  for (const peer of [buyer.peer, 'friend', ...strangers]) await ledger.saveManifest(peer, 1, payload);
  await ledger.saveManifest('stranger 0', 1, new Uint8Array([8])); // the newest now
  expect(await ledger.forgetStrangers(8)).toBe(0);
  expect(await ledger.forgetStrangers(5)).toBe(3);
  const kept = async (peer: string) => (await ledger.manifests(peer)).length > 0;
  expect(await Promise.all(strangers.map(kept))).toEqual([true, false, false, false, true, true]);
  expect(await ledger.forgetStrangers(0)).toBe(3);
  expect(await Promise.all([buyer.peer, 'friend'].map(kept))).toEqual([true, true]);
});

test('who paid last is known, whatever others asked since', async () => {
  const { ledger } = await temporaryLedger();
  const pay = (name: string) => {
    const job = jobNamed(name);
    return ledger.commit(changeOf(job, { entries: [received(job)] }));
  };
  for (const name of ['a#1', 'b#1', 'c#1', 'a#2']) await pay(name);
  await Promise.all(Array.from({ length: 50 }, (_, index) => ledger.commit(changeOf(jobNamed(`d#${index}`)))));
  const peers = ['a', 'c', 'b'].map((name) => jobNamed(name).peer);
  expect(await ledger.recentPayers(9)).toEqual(peers);
  expect(await ledger.recentPayers(2)).toEqual(peers.slice(0, 2));
});

test('the latest jobs of one state are found among many others', async () => {
  const { ledger } = await temporaryLedger();
  const served = ['s1', 's2', 's3'].map((name) => jobNamed(name, { funding: 'closed', run: 'ended' }));
  for (const job of served) await ledger.commit(changeOf(job));
  await Promise.all(Array.from({ length: 50 }, (_, index) => ledger.commit(changeOf(jobNamed(`d#${index}`)))));
  expect(await ledger.recentJobs(2, 'served')).toEqual(served.slice(1).toReversed());
});
