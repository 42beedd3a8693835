import { buyerAccount } from '../job/entry.ts';
import type { Counting } from '../estimating/counting.ts';
import { backendModelOf } from '../job/job.ts';
import type { Job } from '../job/job.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Admission } from '../storefront/admission/admission.ts';
import type { KnownPeers } from '../storefront/admission/known-peers.ts';

/** Served jobs that are looked back on: how long runs take is a mean of the latest of each model. */
const RECENT_JOBS = 500;
const RECENT_PAYERS = 10_000;
const BUYER = buyerAccount('');

/** What the backend said of a run's input; nothing when it told nothing, when it was told before, or when images were counted in. */
export function learnFromRun(counting: Counting): (before: Job | undefined, after: Job) => void {
  return (before, { run, usage, work, breakdown }) => {
    if (run !== 'ended' || before?.run === 'ended' || usage === undefined || usage.isOwnCount === true) return;
    if (breakdown.images === undefined) counting.learn(backendModelOf(work), breakdown, usage.inputTokens);
  };
}

/** At the start: who has paid or holds credit is no stranger, however long ago and whatever strangers asked since; how long runs take is known, and what chat templates add. */
export async function rememberTrade(
  ledger: Ledger,
  admission: Admission,
  peers: KnownPeers,
  counting: Counting,
): Promise<void> {
  const served = (await ledger.recentJobs(RECENT_JOBS, 'served')).toReversed();
  admission.remember(served);
  const learn = learnFromRun(counting);
  for (const job of served) learn(undefined, job);
  for (const { account } of await ledger.balances()) {
    if (account.startsWith(BUYER)) peers.paid(account.slice(BUYER.length));
  }
  for (const peer of (await ledger.recentPayers(RECENT_PAYERS)).toReversed()) peers.paid(peer);
}
