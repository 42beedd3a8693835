import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';

const tryEveryMs = 250;

/**
 * Runs `work` while holding an exclusive lock on `file` against every other process; waits for its turn as long as it takes,
 * calling `onWait` once. SQLite's lock is the system's own, so a holder that dies, even by SIGKILL, leaves nothing behind.
 */
export async function withLock<T>(file: string, onWait: () => void, work: () => Promise<T>): Promise<T> {
  const database = new DatabaseSync(file);
  try {
    for (let waiting = false; ; await delay(tryEveryMs)) {
      try {
        database.exec('BEGIN EXCLUSIVE');
        break;
      } catch (error) {
        if (!(error instanceof Error) || !error.message.includes('locked')) throw error;
        if (!waiting) onWait();
        waiting = true;
      }
    }
    return await work();
  } finally {
    database.close();
  }
}
