import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { CheckProgress, JobQuery } from './books.ts';
import { checkBooks } from './ledger-check.ts';
import type { Handlers, SavedCredits, SavedPage } from './ledger-messages.ts';
import { inSnapshot } from './snapshot.ts';

/** As the index says it, or it is not used; and no GLOB, whose range SQLite would search from its beginning. */
const IS_BUYER = `substr(to_account, 1, 6) = 'buyer:'`;
/**
 * The buyers from :from on, below :to, that ever had a job or credit: a seek for each, however many jobs they have. (Not by min(): within a
 * recursion it reads all that follows.)
 */
const PEERS = `
  WITH RECURSIVE
    with_job (peer) AS (
      SELECT (SELECT peer FROM job WHERE peer >= :from ORDER BY peer LIMIT 1)
      UNION ALL
      SELECT (SELECT job.peer FROM job WHERE job.peer > with_job.peer ORDER BY job.peer LIMIT 1)
        FROM with_job WHERE with_job.peer < :to LIMIT :limit),
    with_credit (account) AS (
      SELECT (SELECT to_account FROM entry
        WHERE to_account >= 'buyer:' || :from AND ${IS_BUYER} ORDER BY to_account LIMIT 1)
      UNION ALL
      SELECT (SELECT to_account FROM entry
        WHERE to_account > account AND ${IS_BUYER} ORDER BY to_account LIMIT 1)
        FROM with_credit WHERE account < 'buyer:' || :to LIMIT :limit),
    known (peer) AS (SELECT peer FROM with_job UNION SELECT substr(account, length('buyer:') + 1) FROM with_credit)
  SELECT peer FROM known WHERE peer < :to ORDER BY peer LIMIT :limit`;
const WITH_CREDIT = `
  SELECT substr(account, length('buyer:') + 1) AS peer FROM balance WHERE account >= 'buyer:' AND account < 'buyer;'`;

const creditsOf = (peers: string): string => `
  SELECT peer,
    coalesce((SELECT balance_msat FROM balance WHERE account = 'buyer:' || peers.peer), 0) AS balanceMsat,
    max(
      coalesce((SELECT json_extract(record, '$.job.acceptedAtMs') FROM job WHERE job.peer = peers.peer ORDER BY seq DESC LIMIT 1), 0),
      coalesce((SELECT at_ms FROM entry
        WHERE to_account = 'buyer:' || peers.peer AND ${IS_BUYER} ORDER BY id DESC LIMIT 1), 0)
    ) AS lastAtMs
  FROM (${peers}) AS peers ORDER BY balanceMsat DESC, peer`;

const NO_LIMIT = -1;

type BooksReads = Pick<Handlers, 'jobs' | 'jobsNamed' | 'peersNamed' | 'credits' | 'check'>;

/** What only the operator asks. Prepared when asked: the process that serves asks none of it. */
export function booksReads(db: DatabaseSync, tell: (progress: CheckProgress) => void): BooksReads {
  return {
    check: (scope) => checkBooks(db, scope, tell),
    jobs: (query) => page(db, query),
    jobsNamed: ({ prefix, limit }) => {
      const begins = (column: string) =>
        `SELECT seq FROM (SELECT seq FROM job WHERE ${column} >= :from AND ${column} < :to LIMIT :limit)`;
      const matches = `SELECT seq FROM job WHERE key = :from UNION ${begins('job_id')} UNION ${begins('payment_hash')}`;
      const statement = db.prepare(`SELECT record FROM job WHERE seq IN (${matches}) ORDER BY seq DESC LIMIT :limit`);
      return statement.all(range(prefix, limit)).map(({ record }) => String(record));
    },
    peersNamed: ({ prefix, limit }) => {
      return db
        .prepare(PEERS)
        .all(range(prefix, limit))
        .map(({ peer }) => String(peer));
    },
    credits: (all) => inSnapshot(db, () => credits(db, all)),
  };
}

function page(db: DatabaseSync, { state, peer, before, limit }: JobQuery): SavedPage {
  const where: [string, SQLInputValue | undefined][] = [
    ['state = ?', state],
    ['peer = ?', peer],
    ['seq < ?', before === undefined ? undefined : BigInt(before)],
  ];
  const given = where.flatMap(([sql, value]) => (value === undefined ? [] : [{ sql, value }]));
  const condition = given.length === 0 ? '' : `WHERE ${given.map(({ sql }) => sql).join(' AND ')}`;
  const statement = db.prepare(`SELECT seq, record FROM job ${condition} ORDER BY seq DESC LIMIT ?`);
  const rows = statement.all(...given.map(({ value }) => value), BigInt(limit));
  const last = rows.length < limit ? undefined : rows.at(-1);
  return {
    records: rows.map(({ record }) => String(record)),
    ...(last === undefined ? {} : { next: Number(last['seq']) }),
  };
}

function credits(db: DatabaseSync, all: boolean): SavedCredits {
  const buyers = db.prepare(creditsOf(all ? PEERS : WITH_CREDIT));
  buyers.setReadBigInts(true);
  const total = db.prepare(
    'SELECT coalesce(sum(balance_msat), 0) AS sum FROM balance WHERE account >= ? AND account < ?',
  );
  total.setReadBigInts(true);
  const sumOf = (kind: string) => total.get(`${kind}:`, `${kind};`)?.['sum'] as bigint;
  return {
    buyers: (all ? buyers.all(range('', NO_LIMIT)) : buyers.all()) as unknown as SavedCredits['buyers'],
    creditMsat: sumOf('buyer'),
    reservedMsat: sumOf('reserved'),
  };
}

/** Texts from `prefix` on, below everything that begins with it. */
const range = (prefix: string, limit: number): Record<string, SQLInputValue> => ({
  ':from': prefix,
  ':to': `${prefix}\u{10ffff}`,
  ':limit': BigInt(limit),
});
