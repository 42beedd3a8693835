import type { DatabaseSync } from 'node:sqlite';
import { GRANT } from '../job/entry.ts';
import type { Entry } from '../job/entry.ts';
import { isNeverNegative } from './ledger-check.ts';
import type { Alteration, Handlers, SavedChange } from './ledger-messages.ts';
import { LedgerError } from './ledger.ts';

export interface LedgerWrites extends Pick<Handlers, Alteration> {
  strike(effectId: number): void;
}

/** What alters the ledger. Each throws and leaves a half-done change: the caller's savepoint takes it back. */
export function ledgerWrites(db: DatabaseSync, balanceOf: Handlers['balance']): LedgerWrites {
  const upsertJob = db.prepare(`
    INSERT INTO job (key, payment_hash, finished, state, delivered_at_ms, unpaid_expiry_ms, record) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (key) DO UPDATE
      SET payment_hash = excluded.payment_hash, finished = excluded.finished, state = excluded.state,
          delivered_at_ms = excluded.delivered_at_ms, unpaid_expiry_ms = excluded.unpaid_expiry_ms, record = excluded.record`);
  const unpaid = db.prepare(`
    SELECT key FROM job WHERE unpaid_expiry_ms < ? AND key NOT IN (SELECT job_key FROM outbox)
      AND NOT EXISTS (SELECT 1 FROM entry WHERE job_key = key
        AND ('reserved:' || key NOT IN (from_account, to_account) OR 'buyer:' || peer NOT IN (from_account, to_account)))
      AND 0 = (SELECT coalesce(sum(iif(to_account = 'reserved:' || key, amount_msat, -amount_msat)), 0) FROM entry WHERE job_key = key)
    ORDER BY unpaid_expiry_ms LIMIT ?`);
  const removeEntries = db.prepare('DELETE FROM entry WHERE job_key = ?');
  const removeJob = db.prepare('DELETE FROM job WHERE key = ?');
  const saveManifest = db.prepare('INSERT OR REPLACE INTO manifest (peer, type, payload) VALUES (?, ?, ?)');
  const removeStrangers = db.prepare(`
    DELETE FROM manifest WHERE seq IN (
      SELECT seq FROM manifest AS old
        WHERE NOT EXISTS (SELECT 1 FROM job WHERE peer = old.peer)
          AND NOT EXISTS (SELECT 1 FROM balance WHERE account = 'buyer:' || old.peer)
        ORDER BY seq LIMIT max(0, (SELECT count(*) FROM manifest) - ?))`);
  const insertInput = db.prepare('INSERT INTO input (job_key, body) VALUES (?, ?)');
  const removeInput = db.prepare('DELETE FROM input WHERE job_key = ?');
  const insertEntry = db.prepare(`
    INSERT INTO entry (job_key, from_account, to_account, amount_msat, reason, note, at_ms)
    VALUES (?, ?, ?, ?, ?, ?, ?)`);
  const setBalance = db.prepare(`
    INSERT INTO balance (account, balance_msat) VALUES (?, ?)
    ON CONFLICT (account) DO UPDATE SET balance_msat = excluded.balance_msat`);
  const removeBalance = db.prepare('DELETE FROM balance WHERE account = ?');
  const insertEffect = db.prepare('INSERT INTO outbox (job_key, effect) VALUES (?, ?)');
  const removeEffect = db.prepare('DELETE FROM outbox WHERE id = ?');
  const advanceCursor = db.prepare('UPDATE cursor SET position = max(position, ?)');

  const add = (account: string, difference: bigint): void => {
    const balance = balanceOf(account) + difference;
    if (balance < 0n && isNeverNegative(account)) {
      throw new LedgerError('failed', `the change would leave ${account} with ${balance} msat, below zero`);
    }
    // A row for each job that ever reserved would pile up: no row is a balance of 0.
    if (balance === 0n) removeBalance.run(account);
    else setBalance.run(account, balance);
  };

  return {
    commit: (change: SavedChange) => {
      const { key, paymentHash, finished, state, deliveredAtMs, unpaidExpiryMs } = change;
      upsertJob.run(
        key,
        paymentHash,
        finished ? 1 : 0,
        state,
        deliveredAtMs === undefined ? null : BigInt(deliveredAtMs),
        unpaidExpiryMs === undefined ? null : BigInt(unpaidExpiryMs),
        change.record,
      );
      if (change.input !== undefined) insertInput.run(change.key, change.input);
      for (const { jobKey, from, to, amountMsat, reason } of change.entries) {
        insertEntry.run(jobKey, from, to, amountMsat, reason, null, change.atMs);
      }
      for (const [account, difference] of differences(change.entries)) add(account, difference);
      if (change.cursor !== undefined) advanceCursor.run(change.cursor);
      return change.effects.map((effect) => Number(insertEffect.run(change.key, effect).lastInsertRowid));
    },
    deleteInput: (key) => {
      removeInput.run(key);
      return undefined;
    },
    forgetUnpaid: ({ beforeMs, limit }) => {
      const keys = unpaid.all(BigInt(Math.floor(beforeMs)), BigInt(limit)).map(({ key }) => String(key));
      for (const key of keys) {
        removeInput.run(key);
        removeEntries.run(key); // between the buyer and what was reserved: they cancel each other out
        removeJob.run(key);
      }
      return keys.length;
    },
    saveManifest: ({ peer, type, payload }) => {
      saveManifest.run(peer, BigInt(type), payload);
      return undefined;
    },
    forgetStrangers: ({ keep }) => Number(removeStrangers.run(BigInt(keep)).changes),
    grant: ({ account, amountMsat, note, atMs }) => {
      insertEntry.run(null, GRANT, account, amountMsat, 'operator grant', note, atMs);
      add(GRANT, -amountMsat);
      add(account, amountMsat);
      return balanceOf(account);
    },
    strike: (effectId) => {
      removeEffect.run(effectId);
    },
  };
}

/** What a change does to each account all in all: within a change, the order of its entries cannot make a balance negative. */
function differences(entries: readonly Entry[]): Map<string, bigint> {
  const sums = new Map<string, bigint>();
  for (const { from, to, amountMsat } of entries) {
    sums.set(from, (sums.get(from) ?? 0n) - amountMsat);
    sums.set(to, (sums.get(to) ?? 0n) + amountMsat);
  }
  return sums;
}
