import { backendModelOf, isAtRest, isRunFinal, isUnpaid } from '../../job/job.ts';
import type { Job } from '../../job/job.ts';
import type { NodeId } from '../../lightning/lightning.ts';
import { roomBytesFor } from '../../spool/spool.ts';
import type { Use } from './share.ts';

/** What the jobs under way hold. */
export interface Tally {
  /** Jobs whose work is ordered and not ended. */
  paid: number;
  /** Quotes that can still be paid, and payments that are held: a cancel gives them back. */
  readonly quotes: Use;
  /** Quotes of the peer for one model: it may pay them all, and then they run before what it asks now. */
  quotesForModel: number;
  /** Bytes of disk for inputs, and for answers that may still come. */
  readonly roomBytes: Use;
}

/** Counts anew each time, so that it holds after a restart too and never drifts. */
export function tally(jobs: Iterable<Job>, { peer, model, maxOutputBytes, isTrusted }: TallyOptions): Tally {
  const counts: Tally = { paid: 0, quotes: noUse(), quotesForModel: 0, roomBytes: noUse() };
  for (const job of jobs) {
    if (isAtRest(job) || isRunFinal(job)) continue;
    const isOfPeer = job.peer === peer;
    const isOfStranger = !isTrusted(job.peer);
    const add = (use: Use, amount: number): void => {
      use.ofAll += amount;
      if (isOfPeer) use.ofPeer += amount;
      if (isOfStranger) use.ofStrangers += amount;
    };
    add(counts.roomBytes, roomBytesFor(job.terms.inputBytes, Math.min(maxOutputBytes, job.limits.maxResultBytes)));
    if (job.run !== 'none') counts.paid++;
    if (!isUnpaid(job) && job.funding !== 'held') continue;
    add(counts.quotes, 1);
    if (isOfPeer && backendModelOf(job.work) === model && job.run === 'none') counts.quotesForModel++;
  }
  return counts;
}

export interface TallyOptions {
  readonly peer: NodeId;
  /** As the backend calls it. */
  readonly model: string;
  readonly maxOutputBytes: number;
  readonly isTrusted: (peer: NodeId) => boolean;
}

const noUse = (): Use => ({ ofPeer: 0, ofStrangers: 0, ofAll: 0 });
