import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { booksReads } from './books-reads.ts';
import type { CheckProgress } from './books.ts';
import type { Alteration, Handlers } from './ledger-messages.ts';

/** The questions that alter nothing. Rows come back with the names that the messages use. */
export function ledgerReads(db: DatabaseSync, tell: (progress: CheckProgress) => void): Omit<Handlers, Alteration> {
  const record = statement(db, 'SELECT record FROM job WHERE key = ?');
  const recordByHash = statement(db, 'SELECT record FROM job WHERE payment_hash = ?');
  const unfinished = statement(db, 'SELECT record FROM job WHERE finished = 0 ORDER BY seq');
  const delivered = statement(db, 'SELECT key FROM job WHERE delivered_at_ms < ? ORDER BY delivered_at_ms LIMIT ?');
  const manifests = statement(db, 'SELECT type, payload FROM manifest WHERE peer = ?');
  const recent = statement(db, 'SELECT record FROM job ORDER BY seq DESC LIMIT ?');
  const recentOfState = statement(db, 'SELECT record FROM job WHERE state = ? ORDER BY seq DESC LIMIT ?');
  const payers = statement(db, 'SELECT peer FROM payer ORDER BY entry_id DESC LIMIT ?');
  const body = statement(db, 'SELECT body FROM input WHERE job_key = ?');
  const outbox = statement(db, 'SELECT id, job_key AS jobKey, effect FROM outbox ORDER BY id');
  const cursor = exact(db, 'SELECT position FROM cursor');
  const balance = exact(db, 'SELECT balance_msat FROM balance WHERE account = ?');
  const balances = exact(db, 'SELECT account, balance_msat AS balanceMsat FROM balance ORDER BY account');
  const entries = exact(
    db,
    `SELECT job_key AS jobKey, from_account AS "from", to_account AS "to", amount_msat AS amountMsat, reason,
            note, at_ms AS atMs
       FROM entry WHERE job_key = ? ORDER BY id`,
  );

  return {
    job: (key) => column<string>(record, key),
    jobByPaymentHash: (paymentHash) => column<string>(recordByHash, paymentHash),
    input: (key) => column<Uint8Array<ArrayBuffer>>(body, key),
    unfinishedJobs: () => columns<string>(unfinished),
    deliveredBefore: ({ beforeMs, limit }) => columns<string>(delivered, BigInt(Math.floor(beforeMs)), BigInt(limit)),
    manifests: (peer) => rows(manifests, peer),
    recentJobs: ({ limit, state }) =>
      state === undefined
        ? columns<string>(recent, BigInt(limit))
        : columns<string>(recentOfState, state, BigInt(limit)),
    recentPayers: (limit) => columns<string>(payers, BigInt(limit)),
    outbox: () => rows(outbox),
    cursor: () => column<bigint>(cursor) ?? 0n,
    balance: (account) => column<bigint>(balance, account) ?? 0n,
    balances: () => rows(balances),
    entries: (key) => rows(entries, key),
    ...booksReads(db, tell),
  };
}

function statement(db: DatabaseSync, sql: string): StatementSync {
  return db.prepare(sql);
}

/** With every integer as a bigint: a number above 2^53 would throw. */
function exact(db: DatabaseSync, sql: string): StatementSync {
  const prepared = db.prepare(sql);
  prepared.setReadBigInts(true);
  return prepared;
}

/** The caller says what the row holds: the schema is STRICT. */
function rows<Row>(prepared: StatementSync, ...values: SQLInputValue[]): Row[] {
  return prepared.all(...values) as unknown as Row[];
}

function column<Value>(prepared: StatementSync, ...values: SQLInputValue[]): Value | undefined {
  const row = prepared.get(...values);
  return row === undefined ? undefined : (Object.values(row)[0] as Value);
}

function columns<Value>(prepared: StatementSync, ...values: SQLInputValue[]): Value[] {
  return prepared.all(...values).map((row) => Object.values(row)[0] as Value);
}
