import type { DatabaseSync } from 'node:sqlite';

/** Answers from one moment of the ledger, while another process goes on writing. */
export function inSnapshot<Value>(db: DatabaseSync, read: () => Value): Value {
  if (db.isTransaction) return read();
  db.exec('BEGIN');
  try {
    return read();
  } finally {
    if (db.isTransaction) db.exec('ROLLBACK');
  }
}
