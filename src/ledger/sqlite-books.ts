import { systemClock, type Clock } from '../clock/clock.ts';
import { buyerAccount } from '../job/entry.ts';
import { msat } from '../money/msat.ts';
import type { Msat } from '../money/msat.ts';
import type { Books, CheckProgress, LedgerCheck } from './books.ts';
import { decodeJob } from './job-record.ts';
import type { SavedEntry } from './ledger-messages.ts';
import { LedgerThread } from './ledger-thread.ts';
import { BUSY_TIMEOUT_MS } from './sqlite-ledger.ts';

/** Opens the books of a ledger file for reading only, whether a process serves it or not. Rejects with LedgerError. */
export async function openBooks(path: string): Promise<Books> {
  const thread = await LedgerThread.open({ path, busyTimeoutMs: BUSY_TIMEOUT_MS, mode: 'read' });
  return {
    jobs: async (query) => {
      const { records, next } = await thread.request('jobs', query);
      return { jobs: records.map((text) => decodeJob(text)), ...(next === undefined ? {} : { next }) };
    },
    jobsNamed: async (prefix, limit) =>
      (await thread.request('jobsNamed', { prefix, limit })).map((text) => decodeJob(text)),
    entries: async (key) => (await thread.request('entries', key)).map(bookedEntry),
    peersNamed: (prefix, limit) => thread.request('peersNamed', { prefix, limit }),
    credits: async (all) => {
      const { buyers, creditMsat, reservedMsat } = await thread.request('credits', all);
      return {
        buyers: buyers.map(({ peer, balanceMsat, lastAtMs }) => ({
          peer,
          balanceMsat: msat(balanceMsat),
          lastAtMs: Number(lastAtMs),
        })),
        creditMsat: msat(creditMsat),
        reservedMsat: msat(reservedMsat),
      };
    },
    check: (onProgress) => thread.check('all', onProgress),
    close: () => thread.close(),
  };
}

/** Opens the books for reading and closes them after `use`. Rejects with LedgerError, and with what `use` rejects with. */
export async function readBooks<Value>(path: string, use: (books: Books) => Promise<Value>): Promise<Value> {
  const books = await openBooks(path);
  try {
    return await use(books);
  } finally {
    await books.close();
  }
}

/** Whether the books of a ledger file are right: see LedgerCheck. Opens it for reading only, also beside a serving process. Rejects with LedgerError. */
export async function checkLedger(path: string, onProgress?: (progress: CheckProgress) => void): Promise<LedgerCheck> {
  const books = await openBooks(path);
  try {
    return await books.check(onProgress);
  } finally {
    await books.close();
  }
}

export interface Grant {
  readonly peer: string;
  readonly amountMsat: Msat;
  /** Who gives it, and why: kept for ever. */
  readonly note: string;
}

/** Gives a buyer credit, also beside a serving process; resolves with its balance once that is durable. Rejects with LedgerError. */
export async function grantCredit(path: string, grant: Grant, clock: Clock = systemClock): Promise<Msat> {
  const thread = await LedgerThread.open({ path, busyTimeoutMs: BUSY_TIMEOUT_MS, mode: 'grant' });
  try {
    const { peer, amountMsat, note } = grant;
    return msat(await thread.request('grant', { account: buyerAccount(peer), amountMsat, note, atMs: clock.nowMs() }));
  } finally {
    await thread.close();
  }
}

function bookedEntry({ from, to, amountMsat, reason, note, atMs }: SavedEntry) {
  return { from, to, amountMsat: msat(amountMsat), reason, ...(note === null ? {} : { note }), atMs: Number(atMs) };
}
