import type { JobEvent } from './event.ts';
import type { Job } from './job.ts';

/** How long a job may stay in each state; milliseconds. */
export interface Deadlines {
  /** Of a held payment, until output begins: well before the node gives it back by itself. */
  readonly holdMs: number;
  readonly queueMs: number;
  readonly totalMs: number;
  readonly retentionMs: number;
}

export interface Deadline {
  readonly atMs: number;
  readonly event: JobEvent;
}

/** How long a backend has to let go of a run that it was told to end. */
const LET_GO_MS = 30_000;

/** A peer that stays on line this long after the last message has it; see the delivery table. */
const CONFIRM_DELIVERY_MS = 2_000;

/** The next moment at which time itself is an event for this job; undefined: none. */
export function nextDeadline(job: Job, limits: Deadlines): Deadline | undefined {
  const candidates: Deadline[] = [];
  const add = (
    atMs: number,
    kind:
      | 'quote-expired'
      | 'hold-expired'
      | 'queue-timed-out'
      | 'run-timed-out'
      | 'delivery-confirmed'
      | 'retention-passed',
  ) => candidates.push({ atMs, event: { kind } });
  if (job.funding === 'invoicing' || job.funding === 'open') add(job.terms.quoteExpiryS * 1000, 'quote-expired');
  if (job.funding === 'held') add((job.heldAtMs ?? job.acceptedAtMs) + limits.holdMs, 'hold-expired');
  if (job.run === 'queued') add((job.queuedAtMs ?? job.acceptedAtMs) + limits.queueMs, 'queue-timed-out');
  if (job.run === 'running' || job.run === 'producing') {
    const graceMs = job.timedOut === true ? LET_GO_MS : 0;
    add((job.startedAtMs ?? job.acceptedAtMs) + limits.totalMs + graceMs, 'run-timed-out');
  }
  if (job.delivery === 'finishing') add((job.sentAtMs ?? job.changedAtMs) + CONFIRM_DELIVERY_MS, 'delivery-confirmed');
  // Delivered answers have no deadline each: the sweeper gives them up by age.
  if (job.delivery === 'paused' && job.endedAtMs !== undefined)
    add(job.endedAtMs + limits.retentionMs, 'retention-passed');
  return candidates.reduce<Deadline | undefined>(
    (first, next) => (first === undefined || next.atMs < first.atMs ? next : first),
    undefined,
  );
}
