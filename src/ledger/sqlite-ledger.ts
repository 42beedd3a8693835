import { systemClock, type Clock } from '../clock/clock.ts';
import { stateOf } from '../job/job-state.ts';
import { isAtRest } from '../job/job.ts';
import type { Job } from '../job/job.ts';
import { msat } from '../money/msat.ts';
import type { Books } from './books.ts';
import { decodeEffect, decodeJob, encodeEffect, encodeJob } from './job-record.ts';
import type { SavedChange } from './ledger-messages.ts';
import { LedgerThread } from './ledger-thread.ts';
import type { Change, Ledger } from './ledger.ts';
import { tombstoneOf } from './tombstone.ts';

/** A strike waits this long for a commit to join. */
const STRIKE_DELAY_MS = 100;
export const BUSY_TIMEOUT_MS = 5_000;

export interface SqliteLedgerOptions {
  /** The file; made with mode 0600 when it is not there. SQLite keeps two more beside it (-wal, -shm). */
  readonly path: string;
  readonly clock?: Clock;
  /** How long to wait for another process that holds the file, before 'locked'. Default 5 s. */
  readonly busyTimeoutMs?: number;
}

/** A ledger in an SQLite file, and what only this engine can say. */
export interface SqliteLedger extends Ledger {
  /** The arithmetic alone, for a start that does not wait long; `Books.check` reads the whole file too. */
  readonly check: Books['check'];
}

/**
 * Opens the ledger in an SQLite file, in a thread of its own: nothing here waits for the disk. Makes the file, or brings it up to date.
 * Rejects with LedgerError when it is newer than this program, damaged, locked, or no ledger.
 */
export async function openSqliteLedger(options: SqliteLedgerOptions): Promise<SqliteLedger> {
  const { path, clock = systemClock, busyTimeoutMs = BUSY_TIMEOUT_MS } = options;
  const thread = await LedgerThread.open({ path, busyTimeoutMs, mode: 'serve' });
  return ledgerOn(thread, clock);
}

/** The port on a thread that is open. */
export function ledgerOn(thread: LedgerThread, clock: Clock): SqliteLedger {
  let cancelStrikes: (() => void) | undefined;
  return {
    commit: async (change) => {
      const ids = await thread.request('commit', savedChange(change, clock.nowMs()));
      return change.effects.map((effect, index) => ({ id: Number(ids[index]), jobKey: change.job.key, effect }));
    },
    strike: (effectId) => {
      thread.strike(effectId);
      cancelStrikes ??= clock.timer(STRIKE_DELAY_MS, () => {
        cancelStrikes = undefined;
        thread.flushStrikes();
      });
    },
    job: async (key) => jobOf(await thread.request('job', key)),
    jobByPaymentHash: async (paymentHash) => jobOf(await thread.request('jobByPaymentHash', paymentHash)),
    input: (key) => thread.request('input', key),
    deleteInput: (key) => thread.request('deleteInput', key),
    deliveredBefore: (beforeMs, limit) => thread.request('deliveredBefore', { beforeMs, limit }),
    forgetUnpaid: (beforeMs, limit) => thread.request('forgetUnpaid', { beforeMs, limit }),
    saveManifest: (peer, type, payload) =>
      thread.request('saveManifest', { peer, type, payload: new Uint8Array(payload) }),
    manifests: (peer) => thread.request('manifests', peer),
    forgetStrangers: (keep) => thread.request('forgetStrangers', { keep }),
    unfinishedJobs: async () => (await thread.request('unfinishedJobs', undefined)).map((text) => decodeJob(text)),
    recentJobs: async (limit, state) =>
      (await thread.request('recentJobs', { limit, state })).map((text) => decodeJob(text)),
    recentPayers: (limit) => thread.request('recentPayers', limit),
    outbox: async () => {
      const effects = await thread.request('outbox', undefined);
      return effects.map(({ id, jobKey, effect }) => ({ id, jobKey, effect: decodeEffect(effect) }));
    },
    cursor: () => thread.request('cursor', undefined),
    balance: async (account) => msat(await thread.request('balance', account)),
    balances: async () => {
      const balances = await thread.request('balances', undefined);
      return balances.map(({ account, balanceMsat }) => ({ account, balanceMsat: msat(balanceMsat) }));
    },
    entries: async (key) => {
      const entries = await thread.request('entries', key);
      return entries.map(({ jobKey, from, to, amountMsat, reason }) => ({
        jobKey,
        from,
        to,
        amountMsat: msat(amountMsat),
        reason,
      }));
    },
    check: (onProgress) => thread.check('arithmetic', onProgress),
    close: () => {
      cancelStrikes?.();
      return thread.close();
    },
  };
}

const jobOf = (record: string | undefined): Job | undefined => (record === undefined ? undefined : decodeJob(record));

/** Nothing came of it, and nothing can: its invoice is cancelled, and what was reserved for it is released. */
const isNeverPaid = (job: Job): boolean => isAtRest(job) && job.receivedMsat === undefined;

function savedChange({ job, input, entries, effects, cursor }: Change, atMs: number): SavedChange {
  return {
    key: job.key,
    paymentHash: job.paymentHash,
    finished: isAtRest(job),
    state: stateOf(job),
    ...(job.delivery === 'delivered' ? { deliveredAtMs: job.endedAtMs ?? job.changedAtMs } : {}),
    ...(isNeverPaid(job) ? { unpaidExpiryMs: job.terms.quoteExpiryS * 1000 } : {}),
    record: encodeJob(tombstoneOf(job)),
    entries,
    effects: effects.map(encodeEffect),
    atMs,
    ...(cursor === undefined ? {} : { cursor }),
    // Copied once, then handed to the thread: the caller keeps its buffer, which may be a view of a larger one.
    ...(input === undefined ? {} : { input: new Uint8Array(input) }),
  };
}
