import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { buyerAccount, LIGHTNING, reservedAccount, REVENUE } from '../../src/job/entry.ts';
import { openSqliteLedger, type SqliteLedger } from '../../src/ledger/sqlite-ledger.ts';
import { msat } from '../../src/money/msat.ts';
import { ledgerPath } from '../../src/node/data-directory.ts';
import { sampleJob } from '../job/sample-job.ts';

// Each test starts processes, on machines that are busy.
vi.setConfig({ testTimeout: 60_000 });
const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts');
const job = sampleJob({
  funding: 'closed',
  run: 'ended',
  delivery: 'delivered',
  paymentRequest: 'lnbc1invoice',
  receivedMsat: msat(50_000n),
  chargeMsat: msat(500n),
  acceptedAtMs: 1_790_000_000_000,
  fundedAtMs: 1_790_000_001_000,
  endedAtMs: 1_790_000_003_500,
});
const failed = sampleJob({
  key: `${job.peer}/2/${'f'.repeat(64)}`,
  jobId: 'f'.repeat(64),
  paymentHash: 'e'.repeat(64),
  funding: 'refunded',
  run: 'failed',
  failure: 'the backend\u001b[2J is gone',
});
let directory: string;
let config: string;
/** Stands for the process that serves: it holds the lease and can write all the while. */
let serving: SqliteLedger;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lcp-operator-'));
  config = join(directory, 'config.yaml');
  await writeFile(config, 'enabled: false\ndata_directory: ./data\n');
  serving = await openSqliteLedger({ path: ledgerPath(join(directory, 'data')) });
  const move = (from: string, to: string, amount: bigint, reason: string) => ({
    jobKey: job.key,
    from,
    to,
    amountMsat: msat(amount),
    reason,
  });
  const reserved = reservedAccount(job.key);
  const entries = [
    move(LIGHTNING, reserved, 50_000n, 'payment received'),
    move(reserved, REVENUE, 500n, 'charge'),
    move(reserved, buyerAccount(job.peer), 49_500n, 'remainder'),
  ];
  await serving.commit({ job, entries, effects: [] });
  await serving.commit({ job: failed, entries: [], effects: [] });
});
afterAll(async () => {
  await serving.close();
  await rm(directory, { recursive: true, force: true });
});

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command as a script does: its answer goes into a pipe, and there is nobody to ask. */
const lcp = (...args: string[]): Promise<Ended> =>
  new Promise((resolve) => {
    const child = execFile(process.execPath, [main, ...args], { cwd: directory }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
    child.stdin?.end();
  });

const lines = (text: string): unknown[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);

describe('lcp-provider jobs', () => {
  test('lists the newest first, one line of JSON each, with what each was paid, charged and given back', async () => {
    const { code, stdout, stderr } = await lcp('jobs');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(lines(stdout)).toMatchObject([
      { job_id: failed.jobId, state: 'failed' },
      {
        job_id: job.jobId,
        peer: job.peer,
        model: 'm',
        state: 'served',
        price_msat: 50_000,
        cover_msat: 50_000,
        charge_msat: 500,
        credit_given_msat: 49_500,
        duration_ms: 2500,
      },
    ]);
  });

  test('lists those of a state and of a buyer', async () => {
    const { stdout } = await lcp('jobs', '--state', 'served', '--peer', job.peer.slice(0, 8), '-c', config);
    expect(lines(stdout)).toMatchObject([{ job_id: job.jobId }]);
    expect(await lcp('jobs', '--peer', '03')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("no buyer's id begins with 03") as string,
    });
  });

  test('takes a reader that has enough for no failure', async () => {
    const child = spawn(process.execPath, [main, 'jobs'], { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    let stderr = '';
    child.stderr.on('data', (part: Buffer) => (stderr += part.toString()));
    const [code] = (await once(child, 'close')) as [number];
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});

describe('lcp-provider job', () => {
  test('tells the whole story of the job whose id begins so, and no secret', async () => {
    const { code, stdout } = await lcp('job', job.jobId.slice(0, 9));
    expect(code).toBe(0);
    expect(lines(stdout)).toMatchObject([
      {
        job_id: job.jobId,
        state: 'served',
        quote: { input_tokens: 100, list_msat: expect.any(Number) as number, credit_used_msat: 0, price_msat: 50_000 },
        money: { cover_msat: 50_000, charge_msat: 500, credit_given_msat: 49_500 },
        entries: [{ reason: 'payment received' }, { reason: 'charge' }, { reason: 'remainder' }],
      },
    ]);
    expect(stdout).not.toContain('lnbc1invoice');
    expect(stdout).not.toContain(job.preimage);
  });

  test('finds it by its payment hash; says so when there is none, or more than one', async () => {
    expect(lines((await lcp('job', 'eeee')).stdout)).toMatchObject([{ job_id: failed.jobId, failure: failed.failure }]);
    expect(await lcp('job', 'xyz')).toMatchObject({ code: 1, stdout: '' });
    const ambiguous = await lcp('job', '');
    expect(ambiguous.code).toBe(1);
    expect(ambiguous.stderr).toContain(job.jobId);
    expect(ambiguous.stderr).toContain(failed.jobId);
  });
});

describe('lcp-provider credits', () => {
  test('grant books credit while the provider serves, and logs who, what and why; credits shows it and what is owed', async () => {
    const reason = 'slow answers "on" Monday';
    const granted = await lcp('credits', 'grant', job.peer.slice(0, 10), '5sat', '--reason', reason, '--yes');
    expect(granted.code).toBe(0);
    expect(lines(granted.stdout)).toEqual([{ peer: job.peer, granted_msat: 5000, balance_msat: 54_500 }]);
    expect(lines(granted.stderr)).toMatchObject([{ peer: job.peer, amount_msat: 5000, reason, msg: 'credit granted' }]);
    expect(await serving.balance(buyerAccount(job.peer))).toBe(54_500n);
    const db = new DatabaseSync(ledgerPath(join(directory, 'data')), { readOnly: true });
    expect(String(db.prepare('SELECT note FROM entry WHERE job_key IS NULL').get()?.['note'])).toMatch(
      /^.+: slow answers "on" Monday$/,
    );
    db.close();
    const { stdout } = await lcp('credits', '--all');
    expect(lines(stdout)).toMatchObject([
      { peer: job.peer, balance_msat: 54_500 },
      { total: { credit_msat: 54_500, reserved_msat: 0, liabilities_msat: 54_500 } },
    ]);
  });

  test.each([
    ['less than nothing', ['02ab', '-5sat', '--reason', 'x', '--yes'], 2],
    ['nothing', ['02ab', '0sat', '--reason', 'x', '--yes'], 2],
    ['an amount without a unit', ['02ab', '5', '--reason', 'x', '--yes'], 2],
    ['without a reason', ['02ab', '5sat', '--yes'], 2],
    ['with an empty reason', ['02ab', '5sat', '--reason', ' ', '--yes'], 2],
    ['with a slip in an option', [job.peer, '5sat', '--reason', 'x', '--yess'], 2],
    ['where nobody can be asked, without --yes', [job.peer, '5sat', '--reason', 'x'], 2],
    ['to the beginning of an id that nobody has', ['03ab', '5sat', '--reason', 'x', '--yes'], 1],
  ])('grant refuses %s', async (_what, args, code) => {
    const before = await serving.balances();
    const ended = await lcp('credits', 'grant', ...args);
    expect(ended, ended.stderr).toMatchObject({ code, stdout: '' });
    expect(ended.stderr).not.toBe('');
    expect(await serving.balances()).toEqual(before);
  });
});

describe('lcp-provider ledger check', () => {
  test('ends with 0 and says what it checked; with 5 and each problem on a line of its own', async () => {
    const sound = await lcp('ledger', 'check');
    expect(sound).toMatchObject({ code: 0, stderr: '' });
    expect(lines(sound.stdout)).toMatchObject([{ problems: 0, jobs: 2, totals: { lightning_msat: 50_000 } }]);

    const wrong = join(directory, 'wrong');
    await mkdir(wrong);
    await (await openSqliteLedger({ path: ledgerPath(wrong) })).close();
    const db = new DatabaseSync(ledgerPath(wrong));
    db.exec(`INSERT INTO balance VALUES ('buyer:x', 9)`);
    db.close();
    await writeFile(join(directory, 'wrong.yaml'), 'enabled: false\ndata_directory: ./wrong\n');
    const ended = await lcp('ledger', 'check', '--config', 'wrong.yaml');
    expect(ended.code).toBe(5);
    expect(lines(ended.stdout)).toMatchObject([
      { problem: expect.stringContaining('buyer:x') as string },
      { problem: expect.stringContaining('not to zero') as string },
      { problems: 2 },
    ]);
  });
});

test('a slip elsewhere in the configuration, or in a price list, keeps nobody from the books', async () => {
  await writeFile(join(directory, 'list.yaml'), 'models: { m: { price: { input_msat: 1 } } }\n');
  const written = 'data_directory: ./data\npricing: { lists: [list.yaml, none.yaml] }\nlimits: { max_choices: few }\n';
  await writeFile(join(directory, 'slips.yaml'), written);
  await writeFile(join(directory, 'wrong-place.yaml'), 'data_directoy: ./data\n');
  const ends = ['slips.yaml', 'wrong-place.yaml'].map((file) => lcp('ledger', 'check', '-c', file));
  const [slips, wrongPlace] = await Promise.all(ends);
  expect(slips).toMatchObject({ code: 0, stderr: '' });
  expect(wrongPlace).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('did you mean data_directory') as string,
  });
});

test('the commands tell of a missing configuration (3) and of a ledger that is not there yet (5)', async () => {
  await writeFile(join(directory, 'empty.yaml'), 'enabled: false\ndata_directory: ./none\n');
  const grant = ['credits', 'grant', job.peer, '5sat', '--reason', 'x', '--yes'];
  for (const command of [['jobs'], grant]) {
    expect(await lcp(...command, '--config', '/nowhere.yaml'), command.join(' ')).toMatchObject({ code: 3 });
    expect(await lcp(...command, '--config', 'empty.yaml'), command.join(' ')).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('when the provider first starts') as string,
    });
  }
});
