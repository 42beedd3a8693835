import type { DatabaseSync } from 'node:sqlite';
import type { CheckProgress } from './books.ts';
import { alters, type Answer, type Group, type Handlers, type Operation, type Refusal } from './ledger-messages.ts';
import type { Reply, Request } from './ledger-messages.ts';
import { ledgerReads } from './ledger-reads.ts';
import { checkEpoch } from './lease.ts';
import { ledgerWrites, type LedgerWrites } from './ledger-writes.ts';
import { ledgerError } from './sqlite-error.ts';

export interface StoreOptions {
  /** Of the process that serves; absent: it does not serve. */
  readonly epoch?: number;
  readonly tell?: (progress: CheckProgress) => void;
}

/** The ledger's database: performs groups of requests, each group in one transaction. Synchronous: lives in a thread of its own. */
export class LedgerStore {
  readonly #db: DatabaseSync;
  readonly #handlers: Handlers;
  readonly #writes: LedgerWrites;
  readonly #checkEpoch: () => void;

  constructor(db: DatabaseSync, { epoch, tell = () => undefined }: StoreOptions = {}) {
    this.#db = db;
    this.#checkEpoch = epoch === undefined ? () => undefined : checkEpoch(db, epoch);
    const reads = ledgerReads(db, tell);
    this.#writes = ledgerWrites(db, reads.balance);
    this.#handlers = { ...reads, ...this.#writes };
  }

  /**
   * Performs a group in order. A request that fails is taken back alone; the others commit. When the commit itself fails
   * nothing was saved, and every reply says so: answers that were read inside would tell of what never was.
   */
  perform(group: Group): Reply[] {
    if (group.strikes.length === 0 && !group.requests.some(({ op }) => alters(op))) {
      return group.requests.map((request) => this.#attempt(request));
    }
    try {
      this.#db.exec('BEGIN IMMEDIATE');
      this.#checkEpoch();
      for (const id of group.strikes) this.#writes.strike(id);
      const replies = group.requests.map((request) =>
        alters(request.op) ? this.#save(request) : this.#attempt(request),
      );
      this.#db.exec('COMMIT');
      return replies;
    } catch (error) {
      this.#rollBack();
      const refused: Reply = { ok: false, refusal: refusalOf(error) };
      return group.requests.map(() => refused);
    }
  }

  close(): void {
    this.#db.close();
  }

  /** Throws when SQLite gave up the whole transaction, as a full disk can make it. */
  #save(request: Request): Reply {
    this.#db.exec('SAVEPOINT change');
    try {
      const answer = this.#answer(request);
      this.#db.exec('RELEASE change');
      return { ok: true, answer };
    } catch (error) {
      if (!this.#db.isTransaction) throw error;
      this.#db.exec('ROLLBACK TO change; RELEASE change');
      return { ok: false, refusal: refusalOf(error) };
    }
  }

  #attempt(request: Request): Reply {
    try {
      return { ok: true, answer: this.#answer(request) };
    } catch (error) {
      return { ok: false, refusal: refusalOf(error) };
    }
  }

  #answer({ op, ask }: Request): Answer<Operation> {
    const handler = this.#handlers[op] as (ask: Request['ask']) => Answer<Operation>;
    return handler(ask);
  }

  #rollBack(): void {
    try {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
    } catch {
      // The replies already tell of the first failure; the next BEGIN tells of this one.
    }
  }
}

/** An error as plain data: classes do not survive the way between threads. */
export function refusalOf(error: unknown, opening?: string): Refusal {
  const { code, message } = ledgerError(error, opening);
  return { code, message };
}
