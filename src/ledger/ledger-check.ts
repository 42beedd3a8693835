import type { DatabaseSync } from 'node:sqlite';
import type { LedgerCheck, SavedBalance } from './ledger-messages.ts';

const SUMS = `
  SELECT account, sum(amount) AS balanceMsat FROM (
    SELECT to_account AS account, amount_msat AS amount FROM entry
    UNION ALL SELECT from_account, -amount_msat FROM entry
  ) GROUP BY account HAVING balanceMsat <> 0`;

/** Whether an account may never fall below zero: what a buyer has, or has set aside, is not lent. */
export const isNeverNegative = (account: string): boolean =>
  account.startsWith('buyer:') || account.startsWith('reserved:');

/** Checks the file, and the law of the books: balances are sums of entries, their sum is zero, no buyer owes. */
export function checkBooks(db: DatabaseSync): LedgerCheck {
  const sums = balancesOf(db, SUMS);
  const balances = balancesOf(db, 'SELECT account, balance_msat AS balanceMsat FROM balance');
  return {
    problems: [...fileProblems(db), ...sumProblems(sums, balances), ...totalProblems(balances)],
    jobs: count(db, 'job'),
    entries: count(db, 'entry'),
    accounts: balances.size,
  };
}

function sumProblems(sums: Map<string, bigint>, balances: Map<string, bigint>): string[] {
  return [...new Set([...sums.keys(), ...balances.keys()])].flatMap((account) => {
    const sum = sums.get(account) ?? 0n;
    const balance = balances.get(account) ?? 0n;
    return [
      ...(sum === balance ? [] : [`${account}: the balance is ${balance} msat, but its entries sum to ${sum} msat`]),
      ...(isNeverNegative(account) && sum < 0n ? [`${account}: its entries sum to ${sum} msat, below zero`] : []),
    ];
  });
}

function totalProblems(balances: Map<string, bigint>): string[] {
  const total = [...balances.values()].reduce((sum, balance) => sum + balance, 0n);
  return total === 0n ? [] : [`all balances sum to ${total} msat, not to zero`];
}

function fileProblems(db: DatabaseSync): string[] {
  const rows = db.prepare('PRAGMA quick_check(10)').all();
  const found = rows.map((row) => String(Object.values(row)[0])).filter((text) => text !== 'ok');
  const orphans = db.prepare('PRAGMA foreign_key_check').all();
  return [...found, ...orphans.map((row) => `a row of ${String(row['table'])} belongs to no job`)];
}

function balancesOf(db: DatabaseSync, sql: string): Map<string, bigint> {
  const statement = db.prepare(sql);
  statement.setReadBigInts(true);
  const rows = statement.all() as unknown as SavedBalance[];
  return new Map(rows.map(({ account, balanceMsat }) => [account, balanceMsat]));
}

function count(db: DatabaseSync, table: 'job' | 'entry'): number {
  return Number(db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n']);
}
