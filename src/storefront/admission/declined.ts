import type { Refused } from '../offer.ts';

/** Why something is not taken now. */
export interface Declined extends Refused {
  readonly refusal: 'rate-limited' | 'unsupported-task';
  /** When it may go better; the message says so too. */
  readonly retryAfterMs?: number;
}

export const decline = (message: string): Declined => ({ refusal: 'rate-limited', message });

/** An error of LCP has no field for the moment to come back: its message says it. */
export const declineFor = (retryAfterMs: number, why: string): Declined => ({
  refusal: 'rate-limited',
  message: `${why}; try again in about ${seconds(retryAfterMs)} s`,
  retryAfterMs,
});

export const seconds = (ms: number): number => Math.max(1, Math.ceil(ms / 1000));
