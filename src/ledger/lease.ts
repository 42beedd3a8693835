import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { LedgerError } from './ledger.ts';
import type { DatabaseOptions } from './schema.ts';

/**
 * Takes the right to serve this ledger: one process at a time, or one payment would be booked and run twice. The lock is the system's own and
 * on a file beside the ledger, so that readers are let in and kill -9 leaves nothing behind. Throws SQLITE_BUSY while another process has it.
 */
export function takeLease(options: DatabaseOptions): DatabaseSync {
  mkdirSync(dirname(options.path), { recursive: true, mode: 0o700 });
  const path = `${options.path}-lease`;
  closeSync(openSync(path, 'a', 0o600));
  const lease = new DatabaseSync(path, { timeout: options.busyTimeoutMs });
  try {
    lease.exec('BEGIN EXCLUSIVE');
    return lease;
  } catch (error) {
    lease.close();
    throw error;
  }
}

// The epoch is a fencing token: a process can lose its lease without noticing it (somebody deletes the lease file, a file system forgets locks), but
// nothing that it writes after another one has begun to serve can pass.

/** Begins the epoch of a process that has just taken the lease. */
export function raiseEpoch(db: DatabaseSync): number {
  return Number(db.prepare('UPDATE epoch SET number = number + 1 RETURNING number').get()?.['number']);
}

/** To be called within each transaction that writes: throws LedgerError 'fenced' once a later epoch has begun. */
export function checkEpoch(db: DatabaseSync, own: number): () => void {
  const statement = db.prepare('SELECT number FROM epoch');
  return () => {
    const now = Number(statement.get()?.['number']);
    if (now === own) return;
    throw new LedgerError(
      'fenced',
      `another lcp-provider has taken over this ledger (it serves epoch ${now}, this process ${own}): nothing more is saved ` +
        'from here, and nothing that was saved is lost. Serve each data directory from one process only',
    );
  };
}
