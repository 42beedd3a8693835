import { rm } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { checkLedger } from '../../src/ledger/sqlite-books.ts';
import { openSqliteLedger } from '../../src/ledger/sqlite-ledger.ts';
import { changeOf, jobNamed, temporaryLedger } from './job-fixture.ts';

test('a process that lost its lease without noticing saves nothing once another one serves, and is told so', async () => {
  const { ledger: old, path } = await temporaryLedger();
  const [saved] = await old.commit(changeOf(jobNamed('before'), { effects: [{ kind: 'deliver' }], cursor: 1n }));
  // Somebody tidied up: the lock is on a file that nobody finds any more.
  await rm(`${path}-lease`);
  const next = await openSqliteLedger({ path });

  const late = old.commit(changeOf(jobNamed('late'), { effects: [{ kind: 'deliver' }], cursor: 2n }));
  await expect(late).rejects.toMatchObject({
    code: 'fenced',
    message: expect.stringMatching(
      /another lcp-provider has taken over this ledger \(it serves epoch 2, this process 1\)/,
    ),
  });
  await expect(old.deleteInput(jobNamed('before').key)).rejects.toMatchObject({ code: 'fenced' });
  await expect(old.saveManifest('peer', 1, new Uint8Array())).rejects.toMatchObject({ code: 'fenced' });
  await expect(old.forgetUnpaid(0, 1)).rejects.toMatchObject({ code: 'fenced' });
  await expect(old.forgetStrangers(0)).rejects.toMatchObject({ code: 'fenced' });
  old.strike(saved?.id ?? 0);
  await old.close();

  expect(await next.outbox(), 'a strike is a write too').toEqual([saved]);
  expect(await next.cursor()).toBe(1n);
  expect(await next.job(jobNamed('late').key)).toBeUndefined();
  await next.commit(changeOf(jobNamed('after')));
  expect(await checkLedger(path)).toMatchObject({ problems: [], jobs: 2 });
  await next.close();
});

test('each process that serves begins an epoch, and the number never falls', async () => {
  const { ledger, path } = await temporaryLedger();
  await ledger.close();
  await (await openSqliteLedger({ path })).close();
  await checkLedger(path);
  const db = new DatabaseSync(path);
  expect(db.prepare('SELECT number FROM epoch').get()).toEqual({ number: 2 });
  expect(() => db.exec('UPDATE epoch SET number = 2')).toThrow(/only rises/);
  expect(() => db.exec('DELETE FROM epoch')).toThrow(/only rises/);
  db.close();
});
