import { chmodSync, closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { LedgerError } from './ledger.ts';
import { MIGRATIONS } from './migrations/migrations.ts';

/** "LCPp" in the file's header: tells a ledger from any other SQLite file. */
export const APPLICATION_ID = 0x4c435070;

const DURABLE = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA journal_size_limit = ${64 << 20};
  -- What a buyer asked is gone once it is deleted, not only unlinked in the file.
  PRAGMA secure_delete = ON;
  -- Without it, REPLACE would delete past the triggers that keep entries.
  PRAGMA recursive_triggers = ON;
`;

export interface DatabaseOptions {
  readonly path: string;
  /** How long to wait for another process's lock. */
  readonly busyTimeoutMs: number;
}

/**
 * Opens the ledger file, making it (0600, in a directory of 0700 when that is new too) or bringing it up to date.
 * Throws when it is newer than this program, or no ledger; such a file is left as it is.
 */
export function openDatabase(options: DatabaseOptions, migrations = MIGRATIONS): DatabaseSync {
  mkdirSync(dirname(options.path), { recursive: true, mode: 0o700 });
  // SQLite would make it with the umask's mode; its -wal and -shm files take over the mode of this one.
  closeSync(openSync(options.path, 'a', 0o600));
  const db = new DatabaseSync(options.path, { timeout: options.busyTimeoutMs, enableForeignKeyConstraints: true });
  try {
    // Before any pragma that writes: a stranger's file must not be turned into a WAL database.
    checkVersion(db, options.path, migrations.length);
    chmodSync(options.path, 0o600);
    db.exec(DURABLE);
    migrate(db, options.path, migrations);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Opens a ledger only to look at it: makes nothing, migrates nothing. */
export const openDatabaseToRead = (options: DatabaseOptions): DatabaseSync => openAsIs(options, true);

/** Opens a ledger to add an operator's entry, also beside the process that serves it: makes nothing, migrates nothing. */
export function openDatabaseToGrant(options: DatabaseOptions): DatabaseSync {
  const db = openAsIs(options, false);
  db.exec(DURABLE);
  return db;
}

function openAsIs({ path, busyTimeoutMs }: DatabaseOptions, readOnly: boolean): DatabaseSync {
  if (!existsSync(path))
    throw new LedgerError('failed', `there is no ledger at ${path}: it is made when the provider first starts`);
  const db = new DatabaseSync(path, { timeout: busyTimeoutMs, readOnly });
  try {
    const version = checkVersion(db, path, MIGRATIONS.length);
    if (version < MIGRATIONS.length) {
      const versions = `version ${version}; this program reads version ${MIGRATIONS.length}`;
      throw new LedgerError('failed', `${path} has ${versions}: start the provider once to bring it up to date`);
    }
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Runs the migrations that are missing, each in a transaction of its own. */
export function migrate(db: DatabaseSync, path: string, migrations: readonly string[]): void {
  for (let done = false; !done;) {
    db.exec('BEGIN IMMEDIATE');
    try {
      // Read inside the transaction: another process may have migrated while we waited for the lock.
      const version = checkVersion(db, path, migrations.length);
      const sql = migrations[version];
      if (sql !== undefined) {
        db.exec(sql);
        db.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${version + 1};`);
      }
      db.exec('COMMIT');
      done = sql === undefined;
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK');
      throw error;
    }
  }
}

/** The ledger's version, 0 for an empty file. */
function checkVersion(db: DatabaseSync, path: string, newest: number): number {
  const version = pragma(db, 'user_version');
  const applicationId = pragma(db, 'application_id');
  const tables = db.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.['n'];
  const empty = applicationId === 0 && version === 0 && tables === 0;
  if (!empty && applicationId !== APPLICATION_ID) {
    throw new LedgerError('failed', `${path} is an SQLite file, but no ledger of lcp-provider`);
  }
  if (version > newest) {
    const versions = `version ${version}; this program knows up to version ${newest}`;
    throw new LedgerError('failed', `${path} was written by a newer lcp-provider (${versions}): update the program`);
  }
  return version;
}

function pragma(db: DatabaseSync, name: 'user_version' | 'application_id'): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name]);
}
