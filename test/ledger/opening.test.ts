import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { LedgerStore } from '../../src/ledger/ledger-store.ts';
import { MIGRATIONS } from '../../src/ledger/migrations/migrations.ts';
import { openDatabase } from '../../src/ledger/schema.ts';
import { checkLedger } from '../../src/ledger/sqlite-books.ts';
import { openSqliteLedger } from '../../src/ledger/sqlite-ledger.ts';
import { changeOf, jobNamed, temporaryDirectory, temporaryLedger } from './job-fixture.ts';

const options = async () => ({ path: join(await temporaryDirectory(), 'ledger.sqlite'), busyTimeoutMs: 10 });

describe('opening a ledger', () => {
  test('brings an older one up to date, a migration at a time, and keeps those before one that fails', async () => {
    const where = await options();
    openDatabase(where).close();
    const second = 'CREATE TABLE second (id INTEGER PRIMARY KEY) STRICT';
    const broken = 'CREATE TABLE third (id INTEGER PRIMARY KEY) STRICT; CREATE NONSENSE';
    expect(() => openDatabase(where, [...MIGRATIONS, second, broken])).toThrow(/NONSENSE/);
    const db = openDatabase(where, [...MIGRATIONS, second]);
    expect(db.prepare('PRAGMA user_version').get()).toEqual({ user_version: MIGRATIONS.length + 1 });
    expect(db.prepare(`SELECT name FROM sqlite_schema WHERE name IN ('second', 'third')`).all()).toHaveLength(1);
    db.close();
  });

  test('is durable: the journal is a WAL, and every commit waits for the disk', async () => {
    const db = openDatabase(await options());
    expect(db.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
    expect(db.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: 2 });
    expect(db.prepare('PRAGMA foreign_keys').get()).toEqual({ foreign_keys: 1 });
    db.close();
  });

  test('refuses one of a newer program, and says so', async () => {
    const { path } = await options();
    openDatabase({ path, busyTimeoutMs: 10 }, [...MIGRATIONS, 'SELECT 1']).close();
    await expect(openSqliteLedger({ path })).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringMatching(/newer lcp-provider \(version 5; this program knows up to version 4\)/),
    });
  });

  test('refuses a file that is no database, and leaves it alone', async () => {
    const { path } = await options();
    const bytes = randomBytes(5_000);
    await writeFile(path, bytes);
    await expect(openSqliteLedger({ path })).rejects.toMatchObject({ code: 'corrupt' });
    expect(await readFile(path)).toEqual(bytes);
  });

  test('refuses the database of another program, and leaves it alone', async () => {
    const { path } = await options();
    const db = new DatabaseSync(path);
    db.exec('CREATE TABLE photo (id INTEGER)');
    db.close();
    const bytes = await readFile(path);
    await expect(openSqliteLedger({ path })).rejects.toThrow(/no ledger of lcp-provider/);
    expect(await readFile(path)).toEqual(bytes);
  });

  test('refuses a file that another process serves, names it and asks about another copy', async () => {
    const { path, ledger } = await temporaryLedger();
    await expect(openSqliteLedger({ path, busyTimeoutMs: 10 })).rejects.toMatchObject({
      code: 'locked',
      message: `another process holds the ledger (${path}): is another lcp-provider running on it? database is locked`,
    });
    await ledger.close();
  });

  test('refuses a path that cannot be a file', async () => {
    const path = await temporaryDirectory();
    await expect(openSqliteLedger({ path })).rejects.toMatchObject({ code: 'failed' });
    await expect(checkLedger(join(path, 'none.sqlite'))).rejects.toMatchObject({ code: 'failed' });
  });
});

describe('a failing disk', () => {
  test('is told as locked when another process holds the file, and the next commit works', async () => {
    const { path, ledger: first } = await temporaryLedger();
    await first.close();
    const ledger = await openSqliteLedger({ path, busyTimeoutMs: 10 });
    const other = new DatabaseSync(path);
    other.exec('BEGIN IMMEDIATE');
    await expect(ledger.commit(changeOf(jobNamed('a')))).rejects.toMatchObject({ code: 'locked' });
    other.close();
    await ledger.commit(changeOf(jobNamed('a')));
    await ledger.close();
  });

  test('is told as disk-full, and nothing of the change is saved', async () => {
    const db = openDatabase(await options());
    const store = new LedgerStore(db);
    db.exec('PRAGMA max_page_count = 40');
    const change = (key: string, bytes: number) =>
      ({
        op: 'commit',
        ask: {
          key,
          paymentHash: key,
          finished: false,
          state: 'open',
          record: '{}',
          input: new Uint8Array(bytes),
          entries: [],
          effects: [],
          atMs: 0,
        },
      }) as const;
    const requests = [change('small', 10), change('large', 1_000_000), change('later', 10)];
    const replies = store.perform({ strikes: [], requests });
    expect(replies[1]).toMatchObject({ ok: false, refusal: { code: 'disk-full' } });
    const saved = db.prepare('SELECT key FROM job ORDER BY seq').all();
    const told = requests.filter((_, index) => replies[index]?.ok).map(({ ask }) => ({ key: ask.key }));
    expect(saved, 'what was told as saved, and nothing else').toEqual(told);
    expect(store.perform({ strikes: [], requests: [change('after', 10)] })).toMatchObject([{ ok: true }]);
    store.close();
  });

  test('is told as corrupt when pages of the file are overwritten', async () => {
    const { path, ledger } = await temporaryLedger();
    for (let index = 0; index < 50; index++) await ledger.commit(changeOf(jobNamed(`job ${index}`)));
    await ledger.close();
    const bytes = await readFile(path);
    bytes.fill(0xa5, 4096);
    await writeFile(path, bytes);
    await expect(openSqliteLedger({ path })).rejects.toMatchObject({ code: 'corrupt' });
  });
});
