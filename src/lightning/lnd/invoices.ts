import { createHash } from 'node:crypto';
import { cancelHodlInvoice } from 'lightning';
import { msat } from '../../money/msat.ts';
import { LightningError } from '../lightning.ts';
import type { CreatedInvoice, InvoiceState, NewInvoice, OurInvoice, PaymentHash } from '../lightning.ts';
import { call } from './connection.ts';
import type { Connection, RawInvoice } from './connection.ts';
import { codeOfFailure, lndFailure } from './lnd-error.ts';

/** The memo of our invoices. The payer does not see it: with a description hash, lnd keeps it to itself. */
const MEMO = 'lcp-provider';
/**
 * Blocks that the payer's last hop gives us for a held payment. lnd gives it back 12 blocks before their end (`holdexpirydelta`), so
 * 28 are left, some 4 hours and a half: half an hour of work, in which 20 blocks are beyond all chance, and an outage before
 * it is settled. More would lock a payer's money for longer if we vanish.
 */
const HOLD_CLTV_BLOCKS = 40;
const PAGE = 1000;

/** What lnd says of an invoice in the words of the port. */
export function invoiceState(invoice: RawInvoice): InvoiceState {
  switch (invoice.state) {
    case 'SETTLED':
      return { state: 'settled', receivedMsat: msat(BigInt(invoice.amt_paid_msat)) };
    case 'ACCEPTED': {
      const held = invoice.htlcs.filter(({ state }) => state === 'ACCEPTED');
      return { state: 'held', receivedMsat: msat(held.reduce((sum, { amt_msat }) => sum + BigInt(amt_msat), 0n)) };
    }
    case 'CANCELED':
      return { state: 'cancelled' };
    case 'OPEN':
      return { state: 'open' };
  }
}

const lookUp = (connection: Connection, paymentHash: PaymentHash): Promise<RawInvoice> =>
  call(connection.lightning, connection.lightning.lookupInvoice, { r_hash: Buffer.from(paymentHash, 'hex') });

const isNotFound = (error: unknown): boolean => codeOfFailure(lndFailure(error)) === 'not-found';

/** /lnrpc.Lightning/LookupInvoice (invoices:read). */
export async function lookUpInvoice(
  connection: Connection,
  paymentHash: PaymentHash,
): Promise<InvoiceState | undefined> {
  try {
    return invoiceState(await lookUp(connection, paymentHash));
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/**
 * /lnrpc.Lightning/AddInvoice, /invoicesrpc.Invoices/AddHoldInvoice (invoices:write), and LookupInvoice (invoices:read) when the
 * invoice exists.
 * Not `createInvoice` of `lightning`: that looks every new invoice up, a second round trip on the way to each quote,
 * and takes the expiry as a date that it compares with its own clock.
 */
export async function createInvoice(connection: Connection, invoice: NewInvoice): Promise<CreatedInvoice> {
  const preimage = Buffer.from(invoice.preimage, 'hex');
  const paymentHash = createHash('sha256').update(preimage).digest('hex');
  const existing = async (): Promise<CreatedInvoice> => {
    const { payment_request: paymentRequest } = await lookUp(connection, paymentHash);
    return { paymentRequest, paymentHash };
  };

  // Rounded down, so that the invoice does not outlive its quote. lnd takes 0 for "one day".
  const expiry = invoice.expiresAtS - Math.ceil(Date.now() / 1000);
  if (expiry < 1) {
    try {
      return await existing();
    } catch (error) {
      if (!isNotFound(error)) throw error;
      throw new LightningError('refused', 'creating an invoice: its time is over already');
    }
  }
  try {
    const order = {
      memo: MEMO,
      description_hash: Buffer.from(invoice.descriptionHash, 'hex'),
      value_msat: invoice.amountMsat.toString(),
      expiry,
      private: true, // route hints through private channels: a node without public channels could not be paid
    };
    const { lightning, invoices } = connection;
    const hold = { ...order, hash: Buffer.from(paymentHash, 'hex'), cltv_expiry: HOLD_CLTV_BLOCKS };
    const { payment_request: paymentRequest } = invoice.hold
      ? await call(invoices, invoices.addHoldInvoice, hold)
      : await call(lightning, lightning.addInvoice, { ...order, r_preimage: preimage });
    return { paymentRequest, paymentHash };
  } catch (error) {
    if (/already exists/i.test(lndFailure(error).details)) return existing();
    throw error;
  }
}

/** /invoicesrpc.Invoices/CancelInvoice (invoices:write), which also cancels plain invoices. */
export async function cancelInvoice(connection: Connection, paymentHash: PaymentHash): Promise<void> {
  try {
    await cancelHodlInvoice({ lnd: connection.lnd, id: paymentHash });
  } catch (error) {
    if (!/already (settled|cancell?ed)/i.test(lndFailure(error).details)) throw error;
  }
}

/** /invoicesrpc.Invoices/SettleInvoice (invoices:write). */
export async function settleInvoice({ invoices }: Connection, preimage: string): Promise<void> {
  try {
    await call(invoices, invoices.settleInvoice, { preimage: Buffer.from(preimage, 'hex') });
  } catch (error) {
    if (!/already settled/i.test(lndFailure(error).details)) throw error;
  }
}

/** Every invoice of the node that was made at or after `sinceS`. /lnrpc.Lightning/ListInvoices (invoices:read). */
export async function invoicesSince({ lightning }: Connection, sinceS: number): Promise<RawInvoice[]> {
  const found: RawInvoice[] = [];
  for (let offset = '0'; ;) {
    const page = await call(lightning, lightning.listInvoices, {
      index_offset: offset,
      num_max_invoices: PAGE,
      creation_date_start: sinceS,
    });
    found.push(...page.invoices);
    if (page.invoices.length < PAGE) return found;
    offset = page.last_index_offset;
  }
}

/** Of those, the ones that this driver made, in whatever process. */
export async function ourInvoices(connection: Connection, sinceS: number): Promise<OurInvoice[]> {
  return (await invoicesSince(connection, sinceS))
    .filter(({ memo }) => memo === MEMO)
    .map((raw) => ({ paymentHash: raw.r_hash.toString('hex'), invoice: invoiceState(raw) }));
}
