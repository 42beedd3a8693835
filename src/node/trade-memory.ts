import { buyerAccount } from '../job/entry.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Admission } from '../storefront/admission/admission.ts';
import type { KnownPeers } from '../storefront/admission/known-peers.ts';

/** Served jobs that are looked back on: how long runs take is a mean of the latest of each model. */
const RECENT_JOBS = 500;
const RECENT_PAYERS = 10_000;
const BUYER = buyerAccount('');

/** At the start: who has paid or holds credit is no stranger, however long ago and whatever strangers asked since; and how long runs take is known. */
export async function rememberTrade(ledger: Ledger, admission: Admission, peers: KnownPeers): Promise<void> {
  admission.remember((await ledger.recentJobs(RECENT_JOBS, 'served')).toReversed());
  for (const { account } of await ledger.balances()) {
    if (account.startsWith(BUYER)) peers.paid(account.slice(BUYER.length));
  }
  for (const peer of (await ledger.recentPayers(RECENT_PAYERS)).toReversed()) peers.paid(peer);
}
