import type { Msat } from '../money/msat.ts';
import type { PaymentMode } from '../pricing/price-list.ts';
import type { PriceBreakdown } from '../pricing/price.ts';
import type { TaskKind } from '../openai/request.ts';

/** `<peer>/<version>/<job id>`: what the storefront knows a job by; unique for ever. */
export type JobKey = string;

export const jobKey = (peer: string, version: number, jobId: string): JobKey => `${peer}/${version}/${jobId}`;

export type FundingState = 'invoicing' | 'open' | 'held' | 'settling' | 'closing' | 'funded' | 'closed' | 'refunded';
export type RunState = 'none' | 'queued' | 'running' | 'producing' | 'ended' | 'failed';
export type DeliveryState =
  'none' | 'withheld' | 'sending' | 'paused' | 'finishing' | 'delivered' | 'unclaimed' | 'done';

/** What the buyer agreed to by paying; the terms hash covers all of it. */
export interface Terms {
  readonly taskKind: TaskKind;
  readonly paramsHex: string;
  readonly inputStreamId: string;
  readonly inputSha256: string;
  readonly inputBytes: number;
  readonly inputContentType: string;
  readonly inputContentEncoding: string;
  readonly priceMsat: Msat;
  /** Unix seconds. */
  readonly quoteExpiryS: number;
  readonly termsHash: string;
}

/** What the request asks of the backend, after the gate has bounded it. */
export interface Work {
  /** As the buyer named it. */
  readonly model: string;
  /** As the backend calls it. Absent: as the buyer. */
  readonly backendModel?: string;
  readonly stream: boolean;
  /** The cap that was priced; filled in upstream when the request left it open. */
  readonly maxOutputTokensPerChoice: number;
  readonly choices: number;
  /** False: the usage chunk that we ask for upstream is taken out of the buyer's stream again. */
  readonly usageWanted: boolean;
}

/** What the buyer's node takes, from its manifest when the job was accepted; bytes. */
export interface PeerLimits {
  readonly maxPayloadBytes: number;
  readonly maxResultBytes: number;
}

export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedInputTokens?: number;
  /** True: the input is as quoted, because the backend told nothing. */
  readonly isOwnCount?: true;
}

/** The finished output in the spool: what the result message describes. */
export interface Output {
  readonly streamId: string;
  readonly contentType: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** One sale, from the validated request to the delivered answer. Immutable: `step` makes the next one. */
export interface Job {
  readonly key: JobKey;
  readonly peer: string;
  readonly version: 2 | 3;
  readonly jobId: string;
  readonly terms: Terms;
  readonly work: Work;
  readonly breakdown: PriceBreakdown;
  readonly limits: PeerLimits;
  readonly funding: FundingState;
  readonly run: RunState;
  readonly delivery: DeliveryState;
  /** 64 hex digits each; made and saved before the invoice. */
  readonly preimage: string;
  readonly paymentHash: string;
  readonly paymentRequest?: string;
  /** Absent: upfront. */
  readonly paymentMode?: PaymentMode;
  /** The buyer's credit that lowered the price: set aside until the job is charged or nobody can pay for it any more. Absent: none. */
  readonly reservedMsat?: Msat;
  /** Locked in for us, and not ours yet. */
  readonly heldMsat?: Msat;
  readonly receivedMsat?: Msat;
  readonly chargeMsat?: Msat;
  readonly attempts: number;
  /** True once the buyer asked to end it. */
  readonly cancelled: boolean;
  /** True once the run had all the time it may take; it ends as soon as the backend lets go. */
  readonly timedOut?: boolean;
  /** Set when output began: the stream that the buyer sees. */
  readonly streamId?: string;
  readonly contentType?: string;
  readonly output?: Output;
  readonly usage?: Usage;
  /** What the buyer is told when it failed. */
  readonly failure?: string;
  /** Unix ms. */
  readonly acceptedAtMs: number;
  readonly changedAtMs: number;
  readonly heldAtMs?: number;
  readonly fundedAtMs?: number;
  readonly queuedAtMs?: number;
  readonly startedAtMs?: number;
  readonly beganAtMs?: number;
  readonly endedAtMs?: number;
  /** When the last message of the delivery was handed to the node. */
  readonly sentAtMs?: number;
}

export const backendModelOf = ({ model, backendModel }: Work): string => backendModel ?? model;

/** Its invoice can still be paid, or is just being made or cancelled. */
export const isUnpaid = ({ funding }: Job): boolean => ['invoicing', 'open', 'closing'].includes(funding);

/** The node may still have news of its invoice. */
export const isInvoiceOpen = (job: Job): boolean => isUnpaid(job) || ['held', 'settling'].includes(job.funding);

/** Paid, or about to be: work is done or owed for it. */
export const isCovered = ({ funding }: Job): boolean => ['held', 'settling', 'funded'].includes(funding);

export const isRunFinal = (job: Job): boolean => job.run === 'ended' || job.run === 'failed';

/** Nothing is left to do for it, until its retention is over: it needs neither memory nor a look at the next start. */
export function isAtRest(job: Job): boolean {
  const isSettled = job.funding === 'closed' || job.funding === 'refunded';
  return (
    isSettled &&
    (job.run === 'none' || isRunFinal(job)) &&
    !['withheld', 'sending', 'paused', 'finishing'].includes(job.delivery)
  );
}
