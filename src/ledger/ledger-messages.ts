import type { Entry } from '../job/entry.ts';
import type { JobState } from '../job/job-state.ts';
import type { LedgerCheck, CheckProgress, JobQuery } from './books.ts';
import type { LedgerError } from './ledger.ts';

/** A change as the worker takes it: texts, and what is searched by. */
export interface SavedChange {
  readonly key: string;
  readonly paymentHash: string;
  readonly finished: boolean;
  readonly state: JobState;
  /** Unix ms; only while the answer is kept after its delivery. */
  readonly deliveredAtMs?: number;
  /** Unix ms; only of a job at rest for which nothing was ever paid. */
  readonly unpaidExpiryMs?: number;
  readonly record: string;
  readonly input?: Uint8Array<ArrayBuffer>;
  readonly entries: readonly Entry[];
  readonly effects: readonly string[];
  readonly cursor?: bigint;
  /** Unix ms; the time of its entries. */
  readonly atMs: number;
}

export interface SavedEffect {
  readonly id: number;
  readonly jobKey: string;
  readonly effect: string;
}

export interface SavedBalance {
  readonly account: string;
  readonly balanceMsat: bigint;
}

export interface SavedEntry {
  readonly jobKey: string;
  readonly from: string;
  readonly to: string;
  readonly amountMsat: bigint;
  readonly reason: string;
  readonly note: string | null;
  readonly atMs: bigint;
}

/** Credit that the operator gives to a buyer. */
export interface SavedGrant {
  readonly account: string;
  readonly amountMsat: bigint;
  readonly note: string;
  /** Unix ms. */
  readonly atMs: number;
}

export interface SavedPage {
  readonly records: readonly string[];
  readonly next?: number;
}

export interface SavedCredits {
  readonly buyers: readonly { readonly peer: string; readonly balanceMsat: bigint; readonly lastAtMs: bigint }[];
  readonly creditMsat: bigint;
  readonly reservedMsat: bigint;
}

export interface PrefixQuery {
  readonly prefix: string;
  readonly limit: number;
}

/** `arithmetic`: the law of the books · `all`: the file and its references too, which takes several times as long. */
export type CheckScope = 'arithmetic' | 'all';

export interface SavedManifest {
  readonly peer: string;
  readonly type: number;
  readonly payload: Uint8Array<ArrayBuffer>;
}

/** Every question that the ledger's thread answers. */
export interface Operations {
  commit: { ask: SavedChange; answer: number[] };
  deleteInput: { ask: string; answer: undefined };
  forgetUnpaid: { ask: { beforeMs: number; limit: number }; answer: number };
  saveManifest: { ask: SavedManifest; answer: undefined };
  forgetStrangers: { ask: { keep: number }; answer: number };
  manifests: { ask: string; answer: Omit<SavedManifest, 'peer'>[] };
  deliveredBefore: { ask: { beforeMs: number; limit: number }; answer: string[] };
  job: { ask: string; answer: string | undefined };
  jobByPaymentHash: { ask: string; answer: string | undefined };
  input: { ask: string; answer: Uint8Array<ArrayBuffer> | undefined };
  unfinishedJobs: { ask: undefined; answer: string[] };
  recentJobs: { ask: { limit: number; state?: JobState | undefined }; answer: string[] };
  recentPayers: { ask: number; answer: string[] };
  outbox: { ask: undefined; answer: SavedEffect[] };
  cursor: { ask: undefined; answer: bigint };
  balance: { ask: string; answer: bigint };
  balances: { ask: undefined; answer: SavedBalance[] };
  entries: { ask: string; answer: SavedEntry[] };
  check: { ask: CheckScope; answer: LedgerCheck };
  jobs: { ask: JobQuery; answer: SavedPage };
  jobsNamed: { ask: PrefixQuery; answer: string[] };
  peersNamed: { ask: PrefixQuery; answer: string[] };
  credits: { ask: boolean; answer: SavedCredits };
  grant: { ask: SavedGrant; answer: bigint };
}

export type Operation = keyof Operations;
export type Ask<O extends Operation> = Operations[O]['ask'];
export type Answer<O extends Operation> = Operations[O]['answer'];
export type Handlers = { readonly [O in Operation]: (ask: Ask<O>) => Answer<O> };
export type Request = { [O in Operation]: { readonly op: O; readonly ask: Ask<O> } }[Operation];

const ALTERING = [
  'commit',
  'deleteInput',
  'forgetUnpaid',
  'saveManifest',
  'forgetStrangers',
  'grant',
] as const satisfies Operation[];
export type Alteration = (typeof ALTERING)[number];

/** Whether an operation alters the ledger: a group with such a one is a transaction. */
export const alters = (op: Operation): op is Alteration => (ALTERING as readonly Operation[]).includes(op);

/** Requests that are performed in order, and become durable together. */
export interface Group {
  readonly strikes: readonly number[];
  readonly requests: readonly Request[];
}

export interface Refusal {
  readonly code: LedgerError['code'];
  readonly message: string;
}

export type Reply =
  { readonly ok: true; readonly answer: Answer<Operation> } | { readonly ok: false; readonly refusal: Refusal };

/** The thread's first message; then come arrays of Reply, one for each group, and progress while it works on one. */
export type Opened = { readonly opened: true } | { readonly opened: false; readonly refusal: Refusal };
export type Told = readonly Reply[] | CheckProgress;

export interface WorkerOptions {
  readonly path: string;
  readonly busyTimeoutMs: number;
  /** `serve`: with the lease, alone · `read`: beside it · `grant`: beside it too, to write an operator's entry. */
  readonly mode: 'serve' | 'read' | 'grant';
}
