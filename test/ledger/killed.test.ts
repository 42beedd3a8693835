import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { reservedAccount } from '../../src/job/entry.ts';
import { checkLedger } from '../../src/ledger/sqlite-books.ts';
import { openSqliteLedger } from '../../src/ledger/sqlite-ledger.ts';
import { temporaryDirectory } from './job-fixture.ts';

const CHILD = fileURLToPath(new URL('./committing-child.ts', import.meta.url));

/** Kills the child (SIGKILL) when it has told of so many commits; returns all that it told of. */
async function committedBeforeKill(path: string, run: string, after: number): Promise<string[]> {
  const child = spawn(process.execPath, [CHILD, path, run], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
    if (text.split('\n').length > after) child.kill('SIGKILL');
  });
  await once(child, 'close');
  return text.split('\n').slice(0, -1);
}

test(
  'every commit that was told of outlives a kill -9, whole, and the books are right',
  { timeout: 60_000 },
  async () => {
    const path = join(await temporaryDirectory(), 'ledger.sqlite');
    const told: string[] = [];
    for (let run = 0; run < 8; run++) {
      told.push(...(await committedBeforeKill(path, `run${run}`, 1 + Math.floor(Math.random() * 300))));
      expect((await checkLedger(path)).problems).toEqual([]);
    }
    const ledger = await openSqliteLedger({ path });
    for (const key of told) expect(await ledger.job(key)).toMatchObject({ key });

    // Told of or not: a job is there with everything in its change, or not at all.
    const jobs = await ledger.recentJobs(told.length + 1_000);
    const { entries } = await ledger.check();
    expect(entries).toBe(2 * jobs.length);
    expect((await ledger.outbox()).map(({ jobKey }) => jobKey).toSorted()).toEqual(
      jobs.map(({ key }) => key).toSorted(),
    );
    for (const { key } of jobs) {
      expect(await ledger.balance(reservedAccount(key))).toBe(2n);
      expect(await ledger.input(key)).toHaveLength(3_000);
    }
    await ledger.close();
  },
);
