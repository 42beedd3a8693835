import { ZERO_MSAT } from '../money/msat.ts';
import { attemptsLeft, buyerCancelled, chargeFor, mayTryAgain, spoolComplete, timedOutBefore } from './rules.ts';
import type { RunState } from './job.ts';
import { patchFrom } from './table.ts';
import type { Patch, Row } from './table.ts';

/** What its buyer is told of an answer that took more than its time. */
export const TOO_LONG = 'the answer took longer than the provider allows';
const PAYMENT_LOST = 'the payment was given back before any output';
const RESTART_FAILURE = 'the provider restarted while the answer was produced';

const ended = patchFrom('output-ended', ({ output, usage }, job, nowMs) => ({
  output,
  usage,
  chargeMsat: chargeFor(job, usage),
  endedAtMs: nowMs,
}));
const endedAtRestart = patchFrom('restarted', ({ output, usage }, job, nowMs) => ({
  ...(output === undefined ? {} : { output }),
  ...(usage === undefined ? {} : { usage }),
  chargeMsat: chargeFor(job, usage),
  endedAtMs: nowMs,
}));
const abortedByBuyer = patchFrom('run-aborted', ({ usage }, job, nowMs) => ({
  usage,
  chargeMsat: chargeFor(job, usage),
  endedAtMs: nowMs,
}));
const failed = patchFrom('attempt-failed', ({ reason, output }, _job, nowMs) => ({
  failure: reason,
  chargeMsat: ZERO_MSAT,
  endedAtMs: nowMs,
  ...(output === undefined ? {} : { output }),
}));
const cutShort = patchFrom('cut-short', ({ reason, usage, output }, job, nowMs) => ({
  failure: reason,
  usage,
  chargeMsat: chargeFor(job, usage),
  endedAtMs: nowMs,
  ...(output === undefined ? {} : { output }),
}));
const stalled = patchFrom('next-byte-timed-out', ({ output }, _job, nowMs) => ({
  failure: 'the backend stopped in the middle of its answer',
  chargeMsat: ZERO_MSAT,
  endedAtMs: nowMs,
  ...(output === undefined ? {} : { output }),
}));
const failedBecause =
  (failure: string): Patch =>
  (_job, _event, nowMs) => ({ failure, chargeMsat: ZERO_MSAT, endedAtMs: nowMs });
const queued: Patch = (_job, _event, nowMs) => ({ queuedAtMs: nowMs, timedOut: false });
const attempt: Patch = (job, _event, nowMs) => ({ attempts: job.attempts + 1, startedAtMs: nowMs });
const began = patchFrom('output-began', ({ streamId, contentType }, _job, nowMs) => ({
  streamId,
  contentType,
  beganAtMs: nowMs,
}));
const cancelled: Patch = () => ({ cancelled: true });
const cancelledBeforeStart: Patch = (_job, _event, nowMs) => ({
  cancelled: true,
  chargeMsat: ZERO_MSAT,
  endedAtMs: nowMs,
});

/** Work on the backend; it knows only that the job is funded. Whose fault an end was decides the charge. */
export const runTable: readonly Row<RunState>[] = [
  { from: ['none'], on: 'funded', to: 'queued', patch: queued, effects: [{ kind: 'start-run' }] },
  { from: ['queued'], on: 'slot-granted', to: 'running', patch: attempt },
  {
    from: ['queued'],
    on: 'queue-timed-out',
    to: 'failed',
    patch: failedBecause('no backend became free in time'),
    effects: [{ kind: 'abort-run' }],
    raises: 'run-failed',
  },
  {
    from: ['queued'],
    on: 'cancel-requested',
    to: 'ended',
    patch: cancelledBeforeStart,
    effects: [{ kind: 'abort-run' }],
    raises: 'run-ended',
    why: 'nothing was computed: nothing is charged',
  },
  {
    from: ['queued', 'running', 'producing'],
    on: 'payment-lost',
    to: 'failed',
    patch: failedBecause(PAYMENT_LOST),
    effects: [{ kind: 'abort-run' }],
  },
  {
    from: ['queued', 'running'],
    on: 'attempt-failed',
    when: mayTryAgain,
    to: 'queued',
    patch: queued,
    effects: [{ kind: 'start-run' }],
  },
  { from: ['queued', 'running', 'producing'], on: 'attempt-failed', to: 'failed', patch: failed, raises: 'run-failed' },
  {
    from: ['running'],
    on: 'first-byte-timed-out',
    when: mayTryAgain,
    to: 'queued',
    patch: queued,
    effects: [{ kind: 'start-run' }],
  },
  {
    from: ['running'],
    on: 'first-byte-timed-out',
    to: 'failed',
    patch: failedBecause('the backend did not begin to answer in time'),
    raises: 'run-failed',
  },
  {
    from: ['running', 'producing'],
    on: 'next-byte-timed-out',
    to: 'failed',
    patch: stalled,
    raises: 'run-failed',
  },
  { from: ['running'], on: 'output-began', to: 'producing', patch: began, why: 'saved before the first byte leaves' },
  {
    from: ['running', 'producing'],
    on: 'run-timed-out',
    when: timedOutBefore,
    to: 'failed',
    patch: failedBecause(TOO_LONG),
    raises: 'run-failed',
    why: 'the backend does not let go',
  },
  {
    from: ['running', 'producing'],
    on: 'run-timed-out',
    to: 'same',
    patch: () => ({ timedOut: true }),
    effects: [{ kind: 'abort-run' }],
    why: 'the attempt fails as soon as the backend lets go',
  },
  {
    from: ['running', 'producing'],
    on: 'cancel-requested',
    to: 'same',
    patch: cancelled,
    effects: [{ kind: 'abort-run' }],
  },
  {
    from: ['running', 'producing'],
    on: 'run-aborted',
    to: 'ended',
    patch: abortedByBuyer,
    raises: 'run-ended',
    why: 'prompt and what was produced are charged',
  },
  {
    from: ['running', 'producing'],
    on: 'cut-short',
    to: 'failed',
    patch: cutShort,
    raises: 'run-ended',
    why: 'prompt and what was produced are charged: a buyer can bring it about, or it is as long as the backend made it',
  },
  { from: ['producing'], on: 'output-ended', to: 'ended', patch: ended, raises: 'run-ended' },
  { from: ['queued'], on: 'restarted', to: 'queued', patch: queued, effects: [{ kind: 'start-run' }] },
  {
    from: ['running'],
    on: 'restarted',
    when: buyerCancelled,
    to: 'ended',
    patch: cancelledBeforeStart,
    raises: 'run-ended',
    why: 'nobody waits for it any more; what was computed is lost, so nothing is charged',
  },
  {
    from: ['running'],
    on: 'restarted',
    when: attemptsLeft,
    to: 'queued',
    patch: queued,
    effects: [{ kind: 'start-run' }],
    why: 'no byte can have left',
  },
  { from: ['running'], on: 'restarted', to: 'failed', patch: failedBecause(RESTART_FAILURE), raises: 'run-failed' },
  {
    from: ['producing'],
    on: 'restarted',
    when: spoolComplete,
    to: 'ended',
    patch: endedAtRestart,
    raises: 'run-ended',
  },
  {
    from: ['producing'],
    on: 'restarted',
    to: 'failed',
    patch: failedBecause(RESTART_FAILURE),
    raises: 'run-failed',
    why: 'never run again once a byte may have left',
  },
];
