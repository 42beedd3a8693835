import { EventEmitter } from 'node:events';
import { DatabaseSync } from 'node:sqlite';
import { decodeJob } from '../../src/ledger/job-record.ts';
import type { Job } from '../../src/job/job.ts';
import { checkBooks } from '../../src/ledger/ledger-check.ts';
import type { LedgerCheck } from '../../src/ledger/books.ts';
import type { Group, Refusal, Reply } from '../../src/ledger/ledger-messages.ts';
import { LedgerStore } from '../../src/ledger/ledger-store.ts';
import { LedgerThread } from '../../src/ledger/ledger-thread.ts';
import type { LedgerWorker } from '../../src/ledger/ledger-thread.ts';
import { MIGRATIONS } from '../../src/ledger/migrations/migrations.ts';
import { migrate } from '../../src/ledger/schema.ts';
import { ledgerOn } from '../../src/ledger/sqlite-ledger.ts';
import type { SqliteLedger } from '../../src/ledger/sqlite-ledger.ts';
import type { Life } from './life.ts';

export interface BookedEntry {
  readonly from: string;
  readonly to: string;
  readonly amountMsat: bigint;
}

/** The ledger's database, with the product's own SQL: outlives every process. A group that was not committed when its process died never was. */
export class Books {
  /** What goes wrong with it now: no page more for the file, another process's lock, a disk that is lost. */
  #fault: 'none' | 'full' | 'locked' | 'failed' = 'none';
  readonly #db = new DatabaseSync(':memory:', { enableForeignKeyConstraints: true });
  readonly #store: LedgerStore;
  readonly #record;
  readonly #byHash;
  readonly #entries;

  constructor() {
    this.#db.exec('PRAGMA recursive_triggers = ON; PRAGMA synchronous = OFF;');
    migrate(this.#db, 'the simulated ledger', MIGRATIONS);
    this.#store = new LedgerStore(this.#db);
    this.#record = this.#db.prepare('SELECT record FROM job WHERE key = ?');
    this.#byHash = this.#db.prepare('SELECT record FROM job WHERE payment_hash = ?');
    this.#entries = this.#db.prepare(
      'SELECT from_account AS "from", to_account AS "to", amount_msat AS amountMsat FROM entry WHERE job_key = ? ORDER BY id',
    );
    this.#entries.setReadBigInts(true);
  }

  set fault(fault: 'none' | 'full' | 'locked' | 'failed') {
    this.#fault = fault;
    const pages = fault === 'full' ? Number(this.#db.prepare('PRAGMA page_count').get()?.['page_count']) : 0xfffffffe;
    this.#db.exec(`PRAGMA max_page_count = ${pages}`);
  }

  /** As one process opens it. */
  open(life: Life): SqliteLedger {
    return ledgerOn(new LedgerThread(this.#worker(life)), life.clock);
  }

  job(key: string): Job | undefined {
    const row = this.#record.get(key);
    return row === undefined ? undefined : decodeJob(String(row['record']));
  }

  jobByPaymentHash(paymentHash: string): Job | undefined {
    const row = this.#byHash.get(paymentHash);
    return row === undefined ? undefined : decodeJob(String(row['record']));
  }

  jobs(): Job[] {
    const rows = this.#db.prepare('SELECT record FROM job ORDER BY seq').all();
    return rows.map((row) => decodeJob(String(row['record'])));
  }

  entries(key: string): BookedEntry[] {
    return this.#entries.all(key) as unknown as BookedEntry[];
  }

  balances(): Map<string, bigint> {
    const statement = this.#db.prepare('SELECT account, balance_msat FROM balance ORDER BY account');
    statement.setReadBigInts(true);
    return new Map(statement.all().map((row) => [String(row['account']), row['balance_msat'] as bigint]));
  }

  cursor(): bigint {
    return BigInt(Number(this.#db.prepare('SELECT position FROM cursor').get()?.['position']));
  }

  check(): LedgerCheck {
    return checkBooks(this.#db, 'all', () => {});
  }

  /** Effects that were not struck out, and jobs that a start would take up. */
  leftOver(): { readonly effects: readonly string[]; readonly unfinished: number } {
    const effects = this.#db.prepare('SELECT effect FROM outbox ORDER BY id').all();
    const unfinished = this.#db.prepare('SELECT count(*) AS n FROM job WHERE finished = 0').get();
    return { effects: effects.map((row) => String(row['effect'])), unfinished: Number(unfinished?.['n']) };
  }

  close(): void {
    this.#db.close();
  }

  /** The thread's worker, in this thread. */
  #worker(life: Life): LedgerWorker {
    const worker = new EventEmitter();
    const post = (group: Group | 'close'): void => {
      if (group === 'close') void life.call(() => worker.emit('exit', 0));
      else void life.call(() => this.#perform(group)).then((replies) => worker.emit('message', replies));
    };
    return Object.assign(worker, { postMessage: post as LedgerWorker['postMessage'] }) as unknown as LedgerWorker;
  }

  #perform(group: Group): Reply[] {
    if (this.#fault === 'none' || this.#fault === 'full') return this.#store.perform(group);
    const refusal: Refusal = { code: this.#fault, message: 'the simulation says so' };
    return group.requests.map(() => ({ ok: false, refusal }));
  }
}
