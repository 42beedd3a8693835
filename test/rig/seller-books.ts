import { join } from 'node:path';
import { expect } from 'vitest';
import type { Entry } from '../../src/job/entry.ts';
import type { Job } from '../../src/job/job.ts';
import { decodeJob } from '../../src/ledger/job-record.ts';
import { openDatabaseToRead } from '../../src/ledger/schema.ts';
import { checkLedger } from '../../src/ledger/sqlite-books.ts';
import { msat } from '../../src/money/msat.ts';
import { poll } from './poll.ts';

/** What a seller's ledger says, read from outside. */
export type Books = {
  /** Oldest first. */
  readonly jobs: readonly Job[];
  readonly entries: readonly Entry[];
  readonly balances: ReadonlyMap<string, bigint>;
  /** Effects that are not struck out. */
  readonly pending: number;
  /** The manifests that are kept: whose, and of which message type. */
  readonly manifests: readonly { readonly peer: string; readonly type: number }[];
};

/** Reads beside a serving process, or after it was killed. */
export class SellerBooks {
  readonly #path: string;

  constructor(dataDirectory: string) {
    this.#path = join(dataDirectory, 'ledger.sqlite');
  }

  read(): Books {
    const db = openDatabaseToRead({ path: this.#path, busyTimeoutMs: 5_000 });
    try {
      const rows = (sql: string) => {
        const statement = db.prepare(sql);
        statement.setReadBigInts(true);
        return statement.all();
      };
      return {
        jobs: rows('SELECT record FROM job ORDER BY seq').map((row) => decodeJob(String(row['record']))),
        entries: rows('SELECT * FROM entry ORDER BY id').map((row) => ({
          jobKey: String(row['job_key']),
          from: String(row['from_account']),
          to: String(row['to_account']),
          amountMsat: msat(row['amount_msat'] as bigint),
          reason: String(row['reason']),
        })),
        balances: new Map(
          rows('SELECT * FROM balance').map((row) => [String(row['account']), row['balance_msat'] as bigint]),
        ),
        pending: rows('SELECT id FROM outbox').length,
        manifests: rows('SELECT peer, type FROM manifest').map((row) => ({
          peer: String(row['peer']),
          type: Number(row['type']),
        })),
      };
    } finally {
      db.close();
    }
  }

  job(jobId: string): Job | undefined {
    return this.read().jobs.find((job) => job.jobId === jobId);
  }

  balance(account: string): bigint {
    return this.read().balances.get(account) ?? 0n;
  }

  /** Resolves with the job once it is as wanted. */
  untilJob(what: string, jobId: string, isSo: (job: Job) => boolean, deadlineMs = 20_000): Promise<Job> {
    return poll(what, deadlineMs, async () => {
      const job = this.job(jobId);
      return job !== undefined && isSo(job) && job;
    });
  }

  /** The file is sound, accounts are the sums of their entries, and what came in is what is owed, earned or set aside. */
  async expectSound(): Promise<void> {
    expect((await checkLedger(this.#path)).problems).toEqual([]);
    const { balances } = this.read();
    const received = -(balances.get('lightning') ?? 0n);
    const rest = [...balances].filter(([account]) => account !== 'lightning');
    expect(rest.reduce((sum, [, balance]) => sum + balance, 0n)).toBe(received);
  }
}
