import type { CheckedRequest } from '../openai/checked-request.ts';

/** Tells how many tokens a request's input has, before the job runs. */
export interface Estimator {
  /** As configured and as the price breakdown names it. */
  readonly name: string;
  /** Tokens of the input, a whole number ≥ 1. Never slow for long: bounded in time and memory, whatever the text. Rejects with the signal's reason when that is aborted. */
  estimate(request: CheckedRequest, signal: AbortSignal): Promise<number>;
  close(): Promise<void>;
}
