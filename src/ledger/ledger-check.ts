import type { DatabaseSync } from 'node:sqlite';
import { GRANT, LIGHTNING, PAYOUT, REVENUE } from '../job/entry.ts';
import type { CheckProgress, LedgerCheck } from './books.ts';
import type { CheckScope } from './ledger-messages.ts';
import { inSnapshot } from './snapshot.ts';

/** Entries that are summed at once: few, since those of one job stand near each other and cancel out before they are sorted with many. */
const CHUNK = 2_000n;
const SUMS = `
  SELECT account, sum(amount) AS amountMsat FROM (
    SELECT to_account AS account, amount_msat AS amount FROM entry WHERE id > ?1 AND id <= ?2
    UNION ALL SELECT from_account, -amount_msat FROM entry WHERE id > ?1 AND id <= ?2
  ) GROUP BY account HAVING amountMsat <> 0`;
const RESERVED = `
  SELECT account, finished FROM balance LEFT JOIN job ON key = substr(account, length('reserved:') + 1)
    WHERE account >= 'reserved:' AND account < 'reserved;'`;

/** Whether an account may never fall below zero: what a buyer has, or has set aside, is not lent. */
export const isNeverNegative = (account: string): boolean =>
  account.startsWith('buyer:') || account.startsWith('reserved:');

/**
 * Checks (the file, and) the law of the books: every balance is the sum of its entries; all accounts sum to zero; no buyer owes; what came in (by
 * Lightning, or granted) is revenue, credit, reserved or paid out; nothing is reserved for a job that is at rest.
 */
export function checkBooks(db: DatabaseSync, scope: CheckScope, tell: (progress: CheckProgress) => void): LedgerCheck {
  return inSnapshot(db, () => {
    const file = scope === 'all' ? fileProblems(db, tell) : [];
    const sums = sumsOfEntries(db, tell);
    tell({ checking: 'balances' });
    const balances = savedBalances(db);
    return {
      problems: [...file, ...sumProblems(sums, balances), ...totalProblems(balances), ...restProblems(db)],
      jobs: count(db, 'job'),
      entries: count(db, 'entry'),
      accounts: balances.size,
      totals: totalsOf(balances),
    };
  });
}

function fileProblems(db: DatabaseSync, tell: (progress: CheckProgress) => void): string[] {
  tell({ checking: 'the file' });
  const rows = db.prepare('PRAGMA quick_check(10)').all();
  const found = rows.map((row) => String(Object.values(row)[0])).filter((text) => text !== 'ok');
  const orphans = db.prepare('PRAGMA foreign_key_check').all();
  return [...found, ...orphans.map((row) => `a row of ${String(row['table'])} belongs to no job`)];
}

/** Of accounts that are not at zero: the reserved ones of finished jobs are most, and would fill the memory. */
function sumsOfEntries(db: DatabaseSync, tell: (progress: CheckProgress) => void): Map<string, bigint> {
  const sums = new Map<string, bigint>();
  const newest = exact(db, 'SELECT max(id) AS id FROM entry').get()?.['id'];
  const of = typeof newest === 'bigint' ? newest : 0n;
  const chunk = exact(db, SUMS);
  for (let after = 0n; after < of; after += CHUNK) {
    tell({ checking: 'entries', done: Number(after), of: Number(of) });
    for (const { account, amountMsat } of chunk.all(after, after + CHUNK) as unknown as Sum[]) {
      const sum = (sums.get(account) ?? 0n) + amountMsat;
      if (sum === 0n) sums.delete(account);
      else sums.set(account, sum);
    }
  }
  return sums;
}

interface Sum {
  readonly account: string;
  readonly amountMsat: bigint;
}

function savedBalances(db: DatabaseSync): Map<string, bigint> {
  const rows = exact(db, 'SELECT account, balance_msat AS amountMsat FROM balance').all() as unknown as Sum[];
  return new Map(rows.map(({ account, amountMsat }) => [account, amountMsat]));
}

function totalsOf(balances: ReadonlyMap<string, bigint>): LedgerCheck['totals'] {
  const of = (account: string): bigint => balances.get(account) ?? 0n;
  const ofAll = (prefix: string): bigint =>
    [...balances].reduce((sum, [account, balance]) => (account.startsWith(prefix) ? sum + balance : sum), 0n);
  return {
    lightningMsat: -of(LIGHTNING),
    grantMsat: -of(GRANT),
    revenueMsat: of(REVENUE),
    creditMsat: ofAll('buyer:'),
    reservedMsat: ofAll('reserved:'),
    payoutMsat: of(PAYOUT),
  };
}

function sumProblems(sums: ReadonlyMap<string, bigint>, balances: ReadonlyMap<string, bigint>): string[] {
  return [...new Set([...sums.keys(), ...balances.keys()])].flatMap((account) => {
    const sum = sums.get(account) ?? 0n;
    const balance = balances.get(account) ?? 0n;
    return [
      ...(sum === balance ? [] : [`${account}: the balance is ${balance} msat, but its entries sum to ${sum} msat`]),
      ...(isNeverNegative(account) && sum < 0n ? [`${account}: its entries sum to ${sum} msat, below zero`] : []),
    ];
  });
}

/** Sum zero and no account of another kind: so what came in is revenue, credit, reserved or paid out. */
function totalProblems(balances: ReadonlyMap<string, bigint>): string[] {
  const total = [...balances.values()].reduce((sum, balance) => sum + balance, 0n);
  const strange = [...balances.keys()].filter(
    (account) => !isNeverNegative(account) && ![LIGHTNING, GRANT, REVENUE, PAYOUT].includes(account),
  );
  return [
    ...(total === 0n ? [] : [`all balances sum to ${total} msat, not to zero`]),
    ...strange.map((account) => `${account}: the books know no such kind of account`),
  ];
}

function restProblems(db: DatabaseSync): string[] {
  return db
    .prepare(RESERVED)
    .all()
    .flatMap(({ account, finished }) => {
      if (finished === 0) return [];
      return [
        `${String(account)}: something is reserved for a job that is ${finished === 1 ? 'at rest' : 'not there'}`,
      ];
    });
}

function exact(db: DatabaseSync, sql: string): ReturnType<DatabaseSync['prepare']> {
  const statement = db.prepare(sql);
  statement.setReadBigInts(true);
  return statement;
}

function count(db: DatabaseSync, table: 'job' | 'entry'): number {
  return Number(db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n']);
}
