import { retryHint } from '../../protocol/retry-hint.ts';
import type { Refused } from '../offer.ts';

/** Why something is not taken now. */
export interface Declined extends Refused {
  readonly refusal: 'rate-limited' | 'unsupported-task';
}

export const decline = (message: string): Declined => ({ refusal: 'rate-limited', message });

export const declineFor = (retryAfterMs: number, why: string): Declined => ({
  refusal: 'rate-limited',
  message: `${why}; ${retryHint(retryAfterMs)}`,
});
