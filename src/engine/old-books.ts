import type { Ledger } from '../ledger/ledger.ts';
import type { LightningNode } from '../lightning/lightning.ts';
import { ZERO_MSAT, msat } from '../money/msat.ts';
import type { Msat } from '../money/msat.ts';

/** Clocks differ, and an invoice is older on the node than the save that followed it. */
const MARGIN_S = 600;
/** How far back the node is asked when the books hold no job at all. */
const LOOK_BACK_S = 86_400;

/** Invoices of this program on the node, paid or still to be paid, of which the books know nothing. */
export interface Unbooked {
  readonly invoices: number;
  readonly settled: number;
  readonly receivedMsat: Msat;
}

/**
 * A job is saved before its invoice is made, so every invoice of ours is in the books, unless they are an old copy (a restored backup), or another
 * provider shares the node. What nobody paid is forgotten after a while, and its invoice is cancelled then: such ones prove nothing. Asks the node for what came after the newest job of the books. Rejects with LightningError or LedgerError.
 */
export async function findUnbooked(node: LightningNode, ledger: Ledger, nowMs: number): Promise<Unbooked> {
  const [newest] = await ledger.recentJobs(1);
  const sinceS = Math.floor((newest?.acceptedAtMs ?? nowMs) / 1000) - (newest === undefined ? LOOK_BACK_S : MARGIN_S);
  let found: Unbooked = { invoices: 0, settled: 0, receivedMsat: ZERO_MSAT };
  for (const { paymentHash, invoice } of await node.ourInvoices(sinceS)) {
    if (invoice.state === 'cancelled' || (await ledger.jobByPaymentHash(paymentHash)) !== undefined) continue;
    const { invoices, settled, receivedMsat } = found;
    found =
      invoice.state === 'settled'
        ? { invoices: invoices + 1, settled: settled + 1, receivedMsat: msat(receivedMsat + invoice.receivedMsat) }
        : { ...found, invoices: invoices + 1 };
  }
  return found;
}
