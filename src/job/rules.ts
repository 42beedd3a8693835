import { ZERO_MSAT, subtractMsat } from '../money/msat.ts';
import type { Msat } from '../money/msat.ts';
import { chargeMsat } from '../pricing/price.ts';
import { LIGHTNING, REVENUE, buyerAccount, reservedAccount } from './entry.ts';
import type { Entry } from './entry.ts';
import type { JobEvent } from './event.ts';
import type { Job } from './job.ts';
import type { Condition, EntryRule } from './table.ts';

/** Attempts on a backend before a job fails; only while no byte can have left. */
const MAX_ATTEMPTS = 3;

export const buyerCancelled: Condition = { name: 'the buyer had cancelled', apply: (job) => job.cancelled };
export const notYetReceived: Condition = { name: 'first news of it', apply: (job) => job.receivedMsat === undefined };
export const notYetReceivedAndCancelled: Condition = {
  name: 'first news of it, the buyer had cancelled',
  apply: (job) => job.receivedMsat === undefined && job.cancelled,
};
export const mayTryAgain: Condition = {
  name: 'retryable, attempts and time left, not cancelled',
  apply: (job, event) =>
    event.kind === 'attempt-failed' &&
    event.retryable &&
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

/** What the buyer paid for this job and has not been booked yet. */
export const coverMsat = (job: Job): Msat => job.receivedMsat ?? ZERO_MSAT;

function received(event: JobEvent): Msat {
  if (event.kind !== 'payment-settled') throw new Error(`no amount was received with ${event.kind}`);
  return event.receivedMsat;
}

/** Entries move more than nothing. */
const move = (job: Job, from: string, to: string, amountMsat: Msat, reason: string): Entry[] =>
  amountMsat > 0n ? [{ jobKey: job.key, from, to, amountMsat, reason }] : [];

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

/** The charge of a run that ended with usage figures; never above the cover, and nothing for an empty answer, unless it was the buyer who ended it. */
export function chargeFor(job: Job, usage: Job['usage']): Msat {
  if (usage === undefined || (usage.outputTokens === 0 && !job.cancelled)) return ZERO_MSAT;
  return chargeMsat(job.breakdown, usage, coverMsat(job));
}
