import type { Effect } from '../job/effect.ts';
import type { AccountName, Entry } from '../job/entry.ts';
import type { JobState } from '../job/job-state.ts';
import type { Job, JobKey } from '../job/job.ts';
import type { Msat } from '../money/msat.ts';

/** An effect that was saved and not yet struck out. */
export interface PendingEffect {
  /** Ascending in the order in which they were saved. */
  readonly id: number;
  readonly jobKey: JobKey;
  readonly effect: Effect;
}

/** One decision: everything in it becomes durable together, or none of it. */
export interface Change {
  readonly job: Job;
  /** The request body, with the change that accepts the job only. */
  readonly input?: Uint8Array;
  readonly entries: readonly Entry[];
  readonly effects: readonly Effect[];
  /** The position in the node's settlements that this change accounts for. */
  readonly cursor?: bigint;
}

export interface Balance {
  readonly account: AccountName;
  readonly balanceMsat: Msat;
}

/** The one book: jobs, entries, outbox and cursor. Asynchronous, so that another engine than SQLite can stand here. */
export interface Ledger {
  /**
   * Saves a change; resolves once it is durable, with the effects it put into the outbox, in order.
   * Changes called in one tick commit together. Rejects with LedgerError, and then nothing of it was saved.
   */
  commit(change: Change): Promise<readonly PendingEffect[]>;
  /** Strikes an effect out of the outbox. Lazy: joins the next commit, at the latest after 100 ms. A lost strike means a repeat, which is harmless. */
  strike(effectId: number): void;

  /** Of a job whose contents were deleted: see tombstone.ts. */
  job(key: JobKey): Promise<Job | undefined>;
  jobByPaymentHash(paymentHash: string): Promise<Job | undefined>;
  /** The request body, until its contents were deleted. */
  input(key: JobKey): Promise<Uint8Array | undefined>;
  deleteInput(key: JobKey): Promise<void>;
  /** Jobs with something left to do: those not at rest. Oldest first. */
  unfinishedJobs(): Promise<Job[]>;
  /** Keys of delivered jobs whose answer is still kept and which ended before `beforeMs` (unix ms); oldest first, at most `limit`. */
  deliveredBefore(beforeMs: number, limit: number): Promise<JobKey[]>;
  /**
   * Deletes jobs at rest for which nothing was ever paid and whose quote ended before `beforeMs` (unix ms), with the entries that reserved and released
   * credit for them; the oldest first, at most `limit`. Resolves with how many. Afterwards their ids are as new, and every balance is as before.
   */
  forgetUnpaid(beforeMs: number, limit: number): Promise<number>;
  /** Keeps a peer's newest manifest, as it came. */
  saveManifest(peer: string, type: number, payload: Uint8Array): Promise<void>;
  manifests(peer: string): Promise<readonly { readonly type: number; readonly payload: Uint8Array }[]>;
  /** Deletes what is more than `keep` manifests, the oldest first, but none of a peer with a job or credit here. Resolves with how many. */
  forgetStrangers(keep: number): Promise<number>;
  /** Newest first, at most `limit`; all, or those in one state. */
  recentJobs(limit: number, state?: JobState): Promise<Job[]>;
  /** Peers whose payment for a job arrived, the latest first, at most `limit`. */
  recentPayers(limit: number): Promise<string[]>;
  outbox(): Promise<PendingEffect[]>;
  /** 0 when none was saved. Never goes back. */
  cursor(): Promise<bigint>;
  balance(account: AccountName): Promise<Msat>;
  balances(): Promise<Balance[]>;
  /** Every entry of one job, oldest first. */
  entries(key: JobKey): Promise<Entry[]>;
  close(): Promise<void>;
}

export class LedgerError extends Error {
  /** `fenced`: another process serves this ledger now, and this one can write nothing any more. */
  readonly code: 'closed' | 'fenced' | 'disk-full' | 'locked' | 'corrupt' | 'failed';
  constructor(code: LedgerError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'LedgerError';
    this.code = code;
  }
}
