import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { SQLInputValue, StatementSync } from 'node:sqlite';
import { LightningError } from '../lightning.ts';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, data BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS monitors (channel TEXT PRIMARY KEY, data BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS monitor_updates (
    channel TEXT NOT NULL, update_id INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (channel, update_id)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS invoices (
    payment_hash TEXT PRIMARY KEY, preimage TEXT NOT NULL, payment_request TEXT NOT NULL, amount_msat INTEGER NOT NULL,
    expires_at_s INTEGER NOT NULL, state TEXT NOT NULL, received_msat INTEGER, settle_number INTEGER UNIQUE,
    hold INTEGER NOT NULL DEFAULT 0, created_at_s INTEGER NOT NULL DEFAULT 0, claim_deadline INTEGER
  ) STRICT;
  CREATE INDEX IF NOT EXISTS claiming_invoices ON invoices (payment_hash) WHERE state = 'claiming';
  CREATE INDEX IF NOT EXISTS held_invoices ON invoices (claim_deadline) WHERE state = 'held';
  CREATE TABLE IF NOT EXISTS payments (
    payment_hash TEXT PRIMARY KEY, payment_request TEXT NOT NULL, max_fee_msat INTEGER NOT NULL, state TEXT NOT NULL,
    preimage TEXT, fee_msat INTEGER
  ) STRICT;
  CREATE TABLE IF NOT EXISTS peers (node_id TEXT PRIMARY KEY, address TEXT NOT NULL) STRICT;
  PRAGMA user_version = 2;
`;
/** From version 1, which knew no held payments. */
const UPGRADE = `
  ALTER TABLE invoices ADD COLUMN hold INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE invoices ADD COLUMN created_at_s INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE invoices ADD COLUMN claim_deadline INTEGER;
`;

/** Called at every write boundary; a test stops the node there. */
export type BoundaryHook = (boundary: string) => void;

/** One channel's monitor since the last commit: a whole one, updates after it, or both. */
export interface MonitorChange {
  whole?: { readonly data: Uint8Array; readonly updateId: bigint };
  readonly updates: { readonly updateId: bigint; readonly data: Uint8Array }[];
}

export interface SavedMonitor {
  readonly data: Uint8Array;
  readonly updates: { readonly updateId: bigint; readonly data: Uint8Array }[];
}

/**
 * Everything durable of one node, in one database. The first write begins a transaction and the pump commits it: channel state, invoices
 * and payments of one pump are all on disk, or none is. The file is locked for as long as the node lives: two nodes on one
 * directory would publish old channel states.
 */
export class Store {
  readonly #db: DatabaseSync;
  readonly #hook: BoundaryHook;
  readonly #state: StatementSync;
  readonly #monitor: StatementSync;
  readonly #update: StatementSync;
  readonly #dropUpdates: StatementSync;
  #writing = false;
  commits = 0;

  constructor(directory: string, hook: BoundaryHook = () => undefined) {
    this.#hook = hook;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const file = join(directory, 'node.db');
    this.#db = new DatabaseSync(file);
    try {
      this.#db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
      const { user_version: version } = this.#db.prepare('PRAGMA user_version').get() ?? {};
      this.#db.exec(`BEGIN IMMEDIATE; ${version === 1 ? UPGRADE : ''} ${SCHEMA} COMMIT;`);
    } catch (error) {
      this.#db.close();
      throw new LightningError('unavailable', `cannot open ${file}: does another process use this directory?`, {
        cause: error,
      });
    }
    chmodSync(file, 0o600); // holds the seed
    this.#state = this.prepare('INSERT INTO state VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET data = excluded.data');
    this.#monitor = this.prepare(
      'INSERT INTO monitors VALUES (?, ?) ON CONFLICT (channel) DO UPDATE SET data = excluded.data',
    );
    this.#update = this.prepare('INSERT OR REPLACE INTO monitor_updates VALUES (?, ?, ?)');
    this.#dropUpdates = this.prepare('DELETE FROM monitor_updates WHERE channel = ? AND update_id <= ?');
  }

  /** A statement for one of the tables above; integers come back as bigint. */
  prepare(sql: string): StatementSync {
    const statement = this.#db.prepare(sql);
    statement.setReadBigInts(true);
    return statement;
  }

  /** Runs a writing statement in the transaction of this pump. */
  write(what: string, statement: StatementSync, ...values: SQLInputValue[]): void {
    if (!this.#writing) {
      this.#hook('before begin');
      this.#db.exec('BEGIN IMMEDIATE');
      this.#writing = true;
    }
    statement.run(...values);
    this.#hook(what);
  }

  writeState(name: 'seed' | 'manager', data: Uint8Array): void {
    this.write(name, this.#state, name, data);
  }

  writeMonitor(channel: string, change: MonitorChange): void {
    if (change.whole !== undefined) {
      this.write('monitor', this.#monitor, channel, change.whole.data);
      this.write('updates dropped', this.#dropUpdates, channel, change.whole.updateId);
    }
    for (const { updateId, data } of change.updates) {
      this.write('monitor update', this.#update, channel, updateId, data);
    }
  }

  /** Whether a transaction is under way. */
  get writing(): boolean {
    return this.#writing;
  }

  commit(): void {
    if (!this.#writing) return;
    this.#db.exec('COMMIT');
    this.#writing = false;
    this.commits++;
    this.#hook('committed');
  }

  /** Tells the hook of a boundary outside the database. */
  passed(boundary: string): void {
    this.#hook(boundary);
  }

  readState(name: 'seed' | 'manager'): Uint8Array | undefined {
    return this.prepare('SELECT data FROM state WHERE name = ?').get(name)?.['data'] as Uint8Array | undefined;
  }

  readMonitors(): SavedMonitor[] {
    const updates = this.prepare('SELECT update_id, data FROM monitor_updates WHERE channel = ? ORDER BY update_id');
    return this.prepare('SELECT channel, data FROM monitors')
      .all()
      .map((row) => ({
        data: row['data'] as Uint8Array,
        updates: updates
          .all(row['channel'] as string)
          .map((update) => ({ updateId: update['update_id'] as bigint, data: update['data'] as Uint8Array })),
      }));
  }

  /** Drops what has not been committed, as a crash would. */
  close(): void {
    if (this.#db.isOpen) this.#db.close();
  }
}
