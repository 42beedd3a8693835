import { reservedAccount, REVENUE, buyerAccount } from '../job/entry.ts';
import { stateOf } from '../job/job-state.ts';
import type { JobState } from '../job/job-state.ts';
import type { Job, Usage } from '../job/job.ts';
import type { BookedEntry } from '../ledger/books.ts';
import { msat } from '../money/msat.ts';
import type { Msat } from '../money/msat.ts';
import type { PriceBreakdown } from '../pricing/price.ts';

/** Where the money of one job went, by its ledger entries. */
export interface JobMoney {
  /** The buyer's credit that was set aside for it and lowered its price, whatever became of it. */
  readonly creditUsedMsat: Msat;
  /** What a charge could be taken from: paid, and credit set aside. */
  readonly coverMsat: Msat;
  readonly chargeMsat: Msat;
  /** What the buyer was given as credit: remainder, or refund. */
  readonly creditGivenMsat: Msat;
}

export interface Moment {
  /** Unix ms. */
  readonly atMs: number;
  readonly what: string;
}

/** All that an operator may know of a job: no preimage, no invoice, nothing of prompt or answer. Amounts are msat, times unix ms. */
export interface JobStory {
  readonly jobId: string;
  readonly paymentHash: string;
  readonly peer: string;
  readonly version: Job['version'];
  readonly state: JobState;
  readonly funding: Job['funding'];
  readonly run: Job['run'];
  readonly delivery: Job['delivery'];
  readonly request: {
    readonly taskKind: string;
    readonly model: string;
    /** As the backend calls it, where that is another name. */
    readonly backendModel?: string;
    readonly stream: boolean;
    readonly choices: number;
    readonly inputBytes: number;
  };
  readonly quote: Omit<PriceBreakdown, 'priceMsat'> & {
    readonly creditUsedMsat: Msat;
    readonly priceMsat: Msat;
    readonly expiresAtMs: number;
  };
  readonly moments: readonly Moment[];
  readonly attempts: number;
  readonly usage?: Usage;
  readonly outputBytes?: number;
  readonly money: JobMoney;
  readonly entries: readonly BookedEntry[];
  readonly failure?: string;
}

export function jobMoney({ key, peer }: Pick<Job, 'key' | 'peer'>, entries: readonly BookedEntry[]): JobMoney {
  const [reserved, buyer] = [reservedAccount(key), buyerAccount(peer)];
  const sum = (counts: (entry: BookedEntry) => boolean): Msat =>
    msat(entries.reduce((total, entry) => (counts(entry) ? total + entry.amountMsat : total), 0n));
  const released = sum(({ reason }) => reason === 'credit released');
  return {
    creditUsedMsat: sum(({ from }) => from === buyer),
    coverMsat: msat(sum(({ to }) => to === reserved) - released),
    chargeMsat: sum(({ to }) => to === REVENUE),
    creditGivenMsat: msat(sum(({ to }) => to === buyer) - released),
  };
}

/** How long the buyer waited from its payment, held or settled, to the end of the run; of a job under way: until now. Undefined: not paid. */
export function durationMs({ heldAtMs, fundedAtMs, endedAtMs, run }: Job, nowMs: number): number | undefined {
  const paidAtMs = heldAtMs ?? fundedAtMs;
  if (paidAtMs === undefined) return undefined;
  if (endedAtMs !== undefined) return endedAtMs - paidAtMs;
  return run === 'none' ? undefined : nowMs - paidAtMs;
}

/** What happened to a job, from the job itself and its entries. Pure. */
export function jobStory(job: Job, entries: readonly BookedEntry[]): JobStory {
  const { jobId, paymentHash, peer, version, funding, run, delivery, terms, work, attempts, usage, output } = job;
  const money = jobMoney(job, entries);
  return {
    jobId,
    paymentHash,
    peer,
    version,
    state: stateOf(job),
    funding,
    run,
    delivery,
    request: {
      taskKind: terms.taskKind,
      model: work.model,
      ...(work.backendModel === undefined ? {} : { backendModel: work.backendModel }),
      stream: work.stream,
      choices: work.choices,
      inputBytes: terms.inputBytes,
    },
    quote: {
      ...job.breakdown,
      creditUsedMsat: money.creditUsedMsat,
      priceMsat: terms.priceMsat,
      expiresAtMs: terms.quoteExpiryS * 1000,
    },
    moments: momentsOf(job),
    attempts,
    ...(usage === undefined ? {} : { usage }),
    ...(output === undefined ? {} : { outputBytes: output.bytes }),
    money,
    entries,
    ...(job.failure === undefined ? {} : { failure: job.failure }),
  };
}

/** In the order of time; of what happens again (queued, started, sent) a job keeps the last time. */
function momentsOf(job: Job): Moment[] {
  const times: [atMs: number | undefined, what: string][] = [
    [
      job.acceptedAtMs,
      job.paymentRequest === undefined ? 'accepted and priced' : 'accepted, priced, invoice made and quoted',
    ],
    [job.heldAtMs, 'payment held'],
    [job.fundedAtMs, job.heldAtMs === undefined ? 'paid' : 'held payment settled'],
    [job.queuedAtMs, 'queued'],
    [job.startedAtMs, job.attempts > 1 ? `started, attempt ${job.attempts}` : 'started'],
    [job.beganAtMs, 'first byte'],
    [job.endedAtMs, job.run === 'failed' ? 'failed' : job.cancelled ? 'ended, cancelled by the buyer' : 'ended'],
    [job.sentAtMs, job.delivery === 'delivered' || job.delivery === 'done' ? 'delivered' : 'sent'],
    [job.delivery === 'unclaimed' ? job.changedAtMs : undefined, 'given up: the buyer never fetched it'],
  ];
  return times
    .flatMap(([atMs, what]) => (atMs === undefined ? [] : [{ atMs, what }]))
    .toSorted((a, b) => a.atMs - b.atMs);
}
