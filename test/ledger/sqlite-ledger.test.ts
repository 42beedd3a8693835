import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import type { Clock } from '../../src/clock/clock.ts';
import { buyerAccount, LIGHTNING, reservedAccount, REVENUE } from '../../src/job/entry.ts';
import { checkLedger } from '../../src/ledger/sqlite-books.ts';
import { openSqliteLedger } from '../../src/ledger/sqlite-ledger.ts';
import { msat } from '../../src/money/msat.ts';
import { changeOf, jobNamed, temporaryLedger } from './job-fixture.ts';

const job = jobNamed('a');
const reserved = reservedAccount(job.key);
const received = { jobKey: job.key, from: LIGHTNING, to: reserved, amountMsat: msat(500n), reason: 'received' };

describe('a change', () => {
  test('is read back whole, also after the ledger was closed and opened again', async () => {
    const { ledger, path } = await temporaryLedger();
    const input = new TextEncoder().encode('{"a":1}');
    const effects = [{ kind: 'create-invoice' }, { kind: 'alert', message: 'look' }] as const;
    const pending = await ledger.commit({ job, input, entries: [received], effects, cursor: 2n ** 62n });
    expect(pending.map(({ effect }) => effect)).toEqual(effects);
    expect(input, 'the caller keeps its buffer').toHaveLength(7);
    await ledger.close();

    const again = await openSqliteLedger({ path });
    expect(await again.job(job.key)).toEqual(job);
    expect(await again.jobByPaymentHash(job.paymentHash)).toEqual(job);
    expect(await again.input(job.key)).toEqual(new Uint8Array(input));
    expect(await again.entries(job.key)).toEqual([received]);
    expect(await again.outbox()).toEqual(pending);
    expect(await again.cursor()).toBe(2n ** 62n);
    expect(await again.balance(reserved)).toBe(500n);
    expect(await again.balance(LIGHTNING)).toBe(-500n);
    await again.close();
  });

  test('that fails saves nothing of it, and the others of its group are saved', async () => {
    const { ledger } = await temporaryLedger();
    const [first, bad, last] = [jobNamed('first'), jobNamed('bad'), jobNamed('last')];
    const overdraft = { jobKey: bad.key, from: buyerAccount('b'), to: REVENUE, amountMsat: msat(1n), reason: 'charge' };
    const outcomes = await Promise.allSettled([
      ledger.commit(changeOf(first, { effects: [{ kind: 'deliver' }] })),
      ledger.commit({
        job: bad,
        input: new Uint8Array(9),
        entries: [overdraft],
        effects: [{ kind: 'deliver' }],
        cursor: 9n,
      }),
      ledger.commit(changeOf(last, { effects: [{ kind: 'deliver' }] })),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(outcomes[1]).toMatchObject({ reason: { code: 'failed', message: expect.stringContaining('buyer:b') } });
    expect(await ledger.job(bad.key)).toBeUndefined();
    expect(await ledger.input(bad.key)).toBeUndefined();
    expect(await ledger.entries(bad.key)).toEqual([]);
    expect(await ledger.cursor()).toBe(0n);
    expect((await ledger.outbox()).map(({ jobKey }) => jobKey)).toEqual([first.key, last.key]);
    expect(await ledger.balances()).toEqual([]);
  });

  test('whose entries only together keep a balance from falling below zero is saved', async () => {
    const { ledger } = await temporaryLedger();
    const charge = { jobKey: job.key, from: reserved, to: REVENUE, amountMsat: msat(500n), reason: 'charge' };
    await ledger.commit(changeOf(job, { entries: [charge, received] }));
    expect(await ledger.balances()).toEqual([
      { account: LIGHTNING, balanceMsat: -500n },
      { account: REVENUE, balanceMsat: 500n },
    ]);
  });

  test.each([0n, -1n, 2n ** 63n])('is refused with an amount of %s msat', async (amount) => {
    const { ledger } = await temporaryLedger();
    const entries = [{ ...received, amountMsat: msat(amount) }];
    await expect(ledger.commit(changeOf(job, { entries }))).rejects.toMatchObject({ code: 'failed' });
    expect(await ledger.job(job.key)).toBeUndefined();
  });

  test('cannot give a payment hash to a second job, or another one to the same job', async () => {
    const { ledger } = await temporaryLedger();
    await ledger.commit(changeOf(job));
    const { paymentHash } = job;
    await expect(ledger.commit(changeOf(jobNamed('b', { paymentHash })))).rejects.toMatchObject({ code: 'failed' });
    await expect(ledger.commit(changeOf({ ...job, paymentHash: 'ff' }))).rejects.toThrow(/keeps its key/);
  });

  test('never moves the cursor back', async () => {
    const { ledger } = await temporaryLedger();
    await ledger.commit(changeOf(job, { cursor: 7n }));
    await ledger.commit(changeOf(job, { cursor: 3n }));
    expect(await ledger.cursor()).toBe(7n);
  });
});

describe('the ledger', () => {
  test('commits 200 changes of one tick, with their effects numbered in order', async () => {
    const { ledger, path } = await temporaryLedger();
    const jobs = Array.from({ length: 200 }, (_, index) => jobNamed(`job ${index}`));
    const saved = await Promise.all(
      jobs.map((one) => ledger.commit(changeOf(one, { effects: [{ kind: 'deliver' }] }))),
    );
    const ids = saved.flat().map(({ id }) => id);
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));
    expect((await ledger.recentJobs(3)).map(({ key }) => key)).toEqual(
      jobs
        .slice(-3)
        .reverse()
        .map(({ key }) => key),
    );
    expect(await checkLedger(path), 'beside the one that serves').toMatchObject({ problems: [], jobs: 200 });
  });

  test('gives what was asked for first, in the order of asking', async () => {
    const { ledger } = await temporaryLedger();
    const saving = ledger.commit(changeOf(job));
    expect(await ledger.job(job.key)).toEqual(job);
    await saving;
  });

  test('leaves the event loop free while it saves 200 jobs with inputs of 100 KB', async () => {
    const { ledger } = await temporaryLedger();
    const input = new Uint8Array(100_000).fill(7);
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    await Promise.all(
      Array.from({ length: 200 }, (_, index) => ledger.commit(changeOf(jobNamed(`big ${index}`), { input }))),
    );
    delay.disable();
    // Generous: machines that test are busy.
    expect(delay.max / 1e6).toBeLessThan(500);
  });

  test('deletes an input, again without harm', async () => {
    const { ledger } = await temporaryLedger();
    await ledger.commit(changeOf(job, { input: new Uint8Array(10) }));
    await ledger.deleteInput(job.key);
    await ledger.deleteInput(job.key);
    expect(await ledger.input(job.key)).toBeUndefined();
    expect(await ledger.job(job.key)).toEqual(job);
  });

  test('lists the jobs with something left to do, oldest first', async () => {
    const { ledger } = await temporaryLedger();
    const jobs = [
      jobNamed('later', { acceptedAtMs: 2 }),
      jobNamed('closed', { funding: 'closed', run: 'ended', delivery: 'done' }),
      jobNamed('unfetched', { funding: 'refunded', run: 'failed', delivery: 'unclaimed' }),
      jobNamed('never ran', { funding: 'closed' }),
      jobNamed('paused', { funding: 'closed', run: 'ended', delivery: 'paused' }),
      jobNamed('running', { funding: 'closed', run: 'running' }),
    ];
    for (const one of jobs) await ledger.commit(changeOf(one));
    const [later, , , , paused, running] = jobs;
    expect(await ledger.unfinishedJobs()).toEqual([later, paused, running]);
    await ledger.commit(changeOf({ ...jobs[0], funding: 'closed' } as typeof job));
    expect(await ledger.unfinishedJobs()).toEqual([paused, running]);
  });

  test('forgets a struck effect, at the latest 100 ms later', async () => {
    const { path, ledger: first } = await temporaryLedger();
    await first.close();
    let ring = (): void => undefined;
    const delays: number[] = [];
    const clock: Clock = {
      nowMs: () => 5,
      timer: (delayMs, callback) => {
        delays.push(delayMs);
        ring = callback;
        return () => undefined;
      },
    };
    const ledger = await openSqliteLedger({ path, clock });
    const [one, two] = await ledger.commit(changeOf(job, { effects: [{ kind: 'deliver' }, { kind: 'send-quote' }] }));
    ledger.strike(one?.id ?? 0);
    expect(delays).toEqual([100]);
    ring();
    expect(await ledger.outbox()).toEqual([two]);
    ledger.strike(two?.id ?? 0);
    await ledger.close();
    const again = await openSqliteLedger({ path });
    expect(await again.outbox()).toEqual([]);
    await again.close();
  });

  test('alters no entry and no job it has, whoever asks', async () => {
    const { ledger, path } = await temporaryLedger();
    await ledger.commit(changeOf(job, { entries: [received] }));
    const db = new DatabaseSync(path);
    expect(() => db.exec('UPDATE entry SET amount_msat = 1')).toThrow(/only ever added/);
    expect(() => db.exec('DELETE FROM entry')).toThrow(/only ever added/);
    expect(() => db.exec('DELETE FROM job')).toThrow(/kept for ever/);
    expect(() => db.exec('UPDATE cursor SET position = -1')).toThrow();
    db.close();
  });

  test('finds out when a balance is not what its entries sum to', async () => {
    const { ledger, path } = await temporaryLedger();
    await ledger.commit(changeOf(job, { entries: [received] }));
    expect(await ledger.check()).toMatchObject({ problems: [], jobs: 1, entries: 1, accounts: 2 });
    const db = new DatabaseSync(path);
    db.exec(`UPDATE balance SET balance_msat = 501 WHERE account LIKE 'reserved:%'`);
    db.close();
    const { problems } = await ledger.check();
    expect(problems).toHaveLength(2);
    expect(problems[0]).toContain('the balance is 501 msat, but its entries sum to 500 msat');
    expect(problems[1]).toBe('all balances sum to 1 msat, not to zero');
  });

  test('can be read by nobody else on the machine', async () => {
    const { ledger, path } = await temporaryLedger();
    await ledger.commit(changeOf(job));
    for (const file of [path, `${path}-wal`, `${path}-shm`]) expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(dirname(path))).mode & 0o777).toBe(0o700);
  });

  test('refuses everything once it is closed, after what was asked before', async () => {
    const { ledger } = await temporaryLedger();
    const before = ledger.commit(changeOf(job));
    const closing = ledger.close();
    await expect(ledger.commit(changeOf(job))).rejects.toMatchObject({ code: 'closed' });
    await expect(before).resolves.toEqual([]);
    await closing;
    await ledger.close();
    await expect(ledger.job(job.key)).rejects.toMatchObject({ code: 'closed' });
  });
});
