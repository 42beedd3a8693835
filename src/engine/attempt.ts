import type { Slot } from '../backend/pool.ts';
import type { JobEvent } from '../job/event.ts';
import type { Job } from '../job/job.ts';
import type { AnswerFilter } from '../openai/answer-filter.ts';
import type { SpoolWriter } from '../spool/spool.ts';
import type { OutputBegun } from './storefront.ts';

/** Why work is stopped: the buyer left, it took too long, or its end no longer matters here. */
export type AbortReason = 'cancelled' | 'timed out' | 'over';

/** One attempt to produce the answer of a job. */
export interface Attempt {
  readonly job: Job;
  readonly abort: AbortController;
  readonly filter: AnswerFilter;
  /** Nobody can use half of a JSON answer: while the payment for one is only held, output begins when all of it is there. */
  readonly isWithheld: boolean;
  slot?: Slot;
  /** Set with the slot. Unix ms. */
  startedAtMs?: number;
  writer?: SpoolWriter;
  /** Set when the backend answers. */
  stream?: OutputBegun;
  /** The backend was sent the request. */
  isAsked: boolean;
  hasOutput: boolean;
  /** It is saved, or about to be, that output began. */
  hasBegun: boolean;
}

/** How an attempt may end, for the tables. */
export type EndEvent = Extract<
  JobEvent,
  {
    kind:
      'output-ended' | 'attempt-failed' | 'first-byte-timed-out' | 'next-byte-timed-out' | 'cut-short' | 'run-aborted';
  }
>;
