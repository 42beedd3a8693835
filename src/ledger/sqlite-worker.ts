import { parentPort, workerData } from 'node:worker_threads';
import type { Group, Opened, Reply, Told, WorkerOptions } from './ledger-messages.ts';
import { LedgerStore, refusalOf } from './ledger-store.ts';
import { raiseEpoch, takeLease } from './lease.ts';
import { openDatabase, openDatabaseToGrant, openDatabaseToRead } from './schema.ts';

// The thread that owns the database: SQLite is synchronous, and a commit waits for the disk.

if (parentPort === null) throw new Error('sqlite-worker is started by the ledger, as a worker thread');
const port = parentPort;
const options = workerData as WorkerOptions;

let lease: ReturnType<typeof takeLease> | undefined;

const tell = (told: Told): void => port.postMessage(told);

const openStore: Record<WorkerOptions['mode'], () => LedgerStore> = {
  serve: () => {
    lease = takeLease(options);
    const db = openDatabase(options);
    return new LedgerStore(db, { epoch: raiseEpoch(db), tell });
  },
  read: () => new LedgerStore(openDatabaseToRead(options), { tell }),
  grant: () => new LedgerStore(openDatabaseToGrant(options)),
};

function open(): LedgerStore | undefined {
  try {
    const store = openStore[options.mode]();
    port.postMessage({ opened: true } satisfies Opened);
    return store;
  } catch (error) {
    port.postMessage({ opened: false, refusal: refusalOf(error, options.path) } satisfies Opened);
    return undefined;
  }
}

const isBody = (reply: Reply): reply is { ok: true; answer: Uint8Array<ArrayBuffer> } =>
  reply.ok && reply.answer instanceof Uint8Array;

const store = open();
if (store !== undefined) {
  port.on('message', (group: Group | 'close') => {
    if (group === 'close') {
      store.close();
      lease?.close();
      port.close();
      return;
    }
    const replies = store.perform(group);
    port.postMessage(
      replies,
      replies.filter(isBody).map(({ answer }) => answer.buffer),
    );
  });
}
