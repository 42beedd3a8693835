import { ZERO_MSAT, msat, subtractMsat } from '../money/msat.ts';
import type { Msat } from '../money/msat.ts';
import { chargeMsat } from '../pricing/price.ts';
import { LIGHTNING, REVENUE, buyerAccount, reservedAccount } from './entry.ts';
import type { Entry } from './entry.ts';
import type { JobEvent } from './event.ts';
import { isCovered, isRunFinal } from './job.ts';
import type { Job } from './job.ts';
import type { Condition, EntryRule } from './table.ts';

/** Attempts on a backend before a job fails; only while no byte can have left. */
const MAX_ATTEMPTS = 3;

export const buyerCancelled: Condition = { name: 'the buyer had cancelled', apply: (job) => job.cancelled };
export const notCancelledBefore: Condition = { name: 'the first cancel', apply: (job) => !job.cancelled };
export const notYetReceived: Condition = { name: 'first news of it', apply: (job) => job.receivedMsat === undefined };
export const notYetReceivedAndCancelled: Condition = {
  name: 'first news of it, the buyer had cancelled',
  apply: (job) => job.receivedMsat === undefined && job.cancelled,
};
export const notYetReceivedAndWorkBegan: Condition = {
  name: 'first news of it, work on it was given up',
  apply: (job) => job.receivedMsat === undefined && job.run !== 'none',
};
export const mayBeHeld: Condition = { name: 'in hold mode', apply: (job) => job.paymentMode === 'hold' };
export const mustNotBeHeld: Condition = {
  name: 'not held for this job',
  apply: ({ funding }) => funding !== 'held' && funding !== 'settling',
};
export const paymentBeingTaken: Condition = {
  name: 'the payment is being taken',
  apply: (job) => job.funding === 'settling',
};
export const paid: Condition = { name: 'paid', apply: (job) => job.receivedMsat !== undefined };
export const atWork: Condition = { name: 'an attempt is at work', apply: (job) => job.run === 'running' };
export const runFailed: Condition = {
  name: 'the run had failed by our fault',
  apply: (job) => job.run === 'failed' && (job.chargeMsat ?? ZERO_MSAT) === ZERO_MSAT,
};
export const runEnded: Condition = { name: 'the run had ended', apply: isRunFinal };
export const gaveUpWork: Condition = { name: 'work on it was given up', apply: (job) => job.run !== 'none' };
export const mayTryAgain: Condition = {
  name: 'it may be tried again',
  apply: (job, event) =>
    !('retryable' in event && !event.retryable) &&
    job.attempts < MAX_ATTEMPTS &&
    !job.cancelled &&
    job.timedOut !== true,
};
export const timedOutBefore: Condition = { name: 'its time was over before', apply: (job) => job.timedOut === true };
export const attemptsLeft: Condition = { name: 'attempts left', apply: (job) => job.attempts < MAX_ATTEMPTS };
export const spoolComplete: Condition = {
  name: 'the spool is complete',
  apply: (_job, event) => event.kind === 'restarted' && event.output !== undefined && event.usage !== undefined,
};
export const stillRunning: Condition = {
  name: 'the run goes on',
  apply: (job) => job.run === 'queued' || job.run === 'running' || job.run === 'producing',
};
export const contentsKept: Condition = {
  name: 'the answer is still kept',
  apply: (job) => job.delivery !== 'none' && job.delivery !== 'done' && job.delivery !== 'unclaimed',
};

/** What a charge can be taken from: the payment, and the credit that lowered the price. */
export const coverMsat = ({ receivedMsat, heldMsat, reservedMsat }: Job): Msat =>
  msat((receivedMsat ?? heldMsat ?? ZERO_MSAT) + (reservedMsat ?? ZERO_MSAT));

function received(event: JobEvent): Msat {
  if (event.kind !== 'payment-settled') throw new Error(`no amount was received with ${event.kind}`);
  return event.receivedMsat;
}

/** Entries move more than nothing. */
const move = (job: Job, from: string, to: string, amountMsat: Msat, reason: string): Entry[] =>
  amountMsat > 0n ? [{ jobKey: job.key, from, to, amountMsat, reason }] : [];

/** Together with accepting the job: two quotes at once cannot spend the same credit. */
export const creditToReserved = (job: Job): Entry[] =>
  move(job, buyerAccount(job.peer), reservedAccount(job.key), job.reservedMsat ?? ZERO_MSAT, 'credit reserved');

/** Only when nobody can pay any more: a late payment would spend it twice. */
export const reservedToCredit: EntryRule = {
  name: 'reserved → credit',
  apply: (job) =>
    move(job, reservedAccount(job.key), buyerAccount(job.peer), job.reservedMsat ?? ZERO_MSAT, 'credit released'),
};

export const receivedToReserved: EntryRule = {
  name: 'received → reserved',
  apply: (job, event) => move(job, LIGHTNING, reservedAccount(job.key), received(event), 'payment received'),
};

export const receivedToCredit: EntryRule = {
  name: 'received → credit',
  apply: (job, event) => move(job, LIGHTNING, buyerAccount(job.peer), received(event), 'payment received, not served'),
};

/** The charge for what the job used; nothing when nothing was produced by our fault. */
export const chargeToRevenue: EntryRule = {
  name: 'charge → revenue, remainder → credit',
  apply: (job) => {
    const charge = job.chargeMsat ?? ZERO_MSAT;
    return [
      ...move(job, reservedAccount(job.key), REVENUE, charge, 'charge'),
      ...move(job, reservedAccount(job.key), buyerAccount(job.peer), subtractMsat(coverMsat(job), charge), 'remainder'),
    ];
  },
};

export const coverToCredit: EntryRule = {
  name: 'all → credit',
  apply: (job) => move(job, reservedAccount(job.key), buyerAccount(job.peer), coverMsat(job), 'refund of our failure'),
};

/**
 * The charge of a run that ended with usage figures; never above the cover, and nothing for an empty answer where output was sold, unless it was the
 * buyer who ended it.
 * Nothing either when the payment was given back meanwhile.
 */
export function chargeFor(job: Job, usage: Job['usage']): Msat {
  if (!isCovered(job) || usage === undefined) return ZERO_MSAT;
  const isEmpty = usage.outputTokens === 0 && job.breakdown.maxOutputTokens > 0;
  if (isEmpty && !job.cancelled) return ZERO_MSAT;
  return chargeMsat(job.breakdown, usage, coverMsat(job));
}
