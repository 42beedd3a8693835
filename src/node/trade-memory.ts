import { buyerAccount } from '../job/entry.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Admission } from '../storefront/admission/admission.ts';
import type { KnownPeers } from '../storefront/admission/known-peers.ts';

/** Jobs that are looked back on. */
const RECENT_JOBS = 2_000;
const BUYER = buyerAccount('');

/** At the start: who has paid of late or holds credit is no stranger, and how long runs take is known. */
export async function rememberTrade(ledger: Ledger, admission: Admission, peers: KnownPeers): Promise<void> {
  for (const { account } of await ledger.balances()) {
    if (account.startsWith(BUYER)) peers.paid(account.slice(BUYER.length));
  }
  admission.remember((await ledger.recentJobs(RECENT_JOBS)).toReversed());
}
