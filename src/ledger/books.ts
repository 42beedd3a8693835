import type { AccountName } from '../job/entry.ts';
import type { JobState } from '../job/job-state.ts';
import type { Job, JobKey } from '../job/job.ts';
import type { Msat } from '../money/msat.ts';

/** Which jobs: those that fit everything given. */
export interface JobQuery {
  readonly state?: JobState;
  /** The whole id. */
  readonly peer?: string;
  readonly limit: number;
  /** `next` of the page before. */
  readonly before?: number;
}

export interface JobPage {
  /** Newest first. */
  readonly jobs: readonly Job[];
  /** Where the next page begins; absent after the last one. */
  readonly next?: number;
}

/** An entry as it stands in the ledger. */
export interface BookedEntry {
  readonly from: AccountName;
  readonly to: AccountName;
  readonly amountMsat: Msat;
  readonly reason: string;
  /** Who and why, of an entry that belongs to no job. */
  readonly note?: string;
  /** Unix ms. */
  readonly atMs: number;
}

export interface BuyerCredit {
  readonly peer: string;
  readonly balanceMsat: Msat;
  /** Unix ms of its newest job, or of the last credit it was given. */
  readonly lastAtMs: number;
}

export interface Credits {
  /** The largest balance first. */
  readonly buyers: readonly BuyerCredit[];
  /** All balances of buyers. */
  readonly creditMsat: Msat;
  /** Set aside for jobs under way: belongs to buyers until it is charged. */
  readonly reservedMsat: Msat;
}

/** How far a check of the books is. */
export interface CheckProgress {
  readonly checking: 'the file' | 'entries' | 'balances';
  /** Of entries. */
  readonly done?: number;
  readonly of?: number;
}

/** What the books' own arithmetic says; `problems` is empty when they are right. Amounts are msat. */
export interface LedgerCheck {
  readonly problems: readonly string[];
  readonly jobs: number;
  readonly entries: number;
  /** Accounts whose balance is not 0. */
  readonly accounts: number;
  readonly totals: {
    readonly lightningMsat: bigint;
    readonly grantMsat: bigint;
    readonly revenueMsat: bigint;
    readonly creditMsat: bigint;
    readonly reservedMsat: bigint;
    readonly payoutMsat: bigint;
  };
}

/** The ledger for whoever looks at it: also beside the process that serves, which is never held up. Every call rejects with LedgerError. */
export interface Books {
  jobs(query: JobQuery): Promise<JobPage>;
  /** The jobs whose id or payment hash begins so, or whose key it is; at most `limit`. */
  jobsNamed(prefix: string, limit: number): Promise<readonly Job[]>;
  /** Every entry of one job, oldest first. */
  entries(key: JobKey): Promise<readonly BookedEntry[]>;
  /** The buyers whose id begins so, of all that ever had a job or credit; at most `limit`. */
  peersNamed(prefix: string, limit: number): Promise<readonly string[]>;
  /** Buyers with credit; `all`: also those who had a job or credit and have none now. */
  credits(all: boolean): Promise<Credits>;
  /** See checkLedger. */
  check(onProgress?: (progress: CheckProgress) => void): Promise<LedgerCheck>;
  close(): Promise<void>;
}
