import type { Effect } from '../job/effect.ts';
import type { Job } from '../job/job.ts';

type SendError = Extract<Effect, { kind: 'send-error' }>;
type SendResult = Extract<Effect, { kind: 'send-result' }>;

/** The stream of a job's output; the same each time that the job's output begins. */
export interface OutputBegun {
  /** 64 hex digits. */
  readonly streamId: string;
  readonly contentType: string;
}

/**
 * What the engine asks of the way a buyer reached us. All of it may fail silently when the peer is away: a buyer that comes back asks again,
 * and deliveries are resumed by `deliver`.
 */
export interface Storefront {
  sendQuote(job: Job): Promise<void>;
  sendError(job: Job, code: SendError['code'], message: string): Promise<void>;
  sendResult(job: Job, status: SendResult['status'], message: string): Promise<void>;
  /**
   * Output is there, and is about to be saved as begun: says so to the buyer meanwhile, without any of it. `deliver` follows when it is saved;
   * after a crash in between, the same is begun again.
   */
  beginOutput(job: Job, output: OutputBegun): void;
  /** Sends stream and result from the start; tells the engine `stream-sent` or `peer-lost`. A delivery under way goes on. */
  deliver(job: Job): void;
  stopDelivery(job: Job): void;
}
