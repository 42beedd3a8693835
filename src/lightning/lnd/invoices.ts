import { createHash } from 'node:crypto';
import { cancelHodlInvoice } from 'lightning';
import { msat } from '../../money/msat.ts';
import { LightningError } from '../lightning.ts';
import type { CreatedInvoice, InvoiceState, NewInvoice, PaymentHash } from '../lightning.ts';
import { call } from './connection.ts';
import type { Connection, RawInvoice } from './connection.ts';
import { codeOfFailure, lndFailure } from './lnd-error.ts';

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
 * /lnrpc.Lightning/AddInvoice (invoices:write), and LookupInvoice (invoices:read) when the invoice exists.
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
    const { payment_request: paymentRequest } = await call(connection.lightning, connection.lightning.addInvoice, {
      r_preimage: preimage,
      description_hash: Buffer.from(invoice.descriptionHash, 'hex'),
      value_msat: invoice.amountMsat.toString(),
      expiry,
      private: true, // route hints through private channels: a node without public channels could not be paid
    });
    return { paymentRequest, paymentHash };
  } catch (error) {
    if (/already exists/i.test(lndFailure(error).details)) return existing();
    throw error;
  }
}

/**
 * /invoicesrpc.Invoices/CancelInvoice (invoices:write), which also cancels plain invoices. True: lnd cancelled it now;
 * false: it was final already.
 */
export async function cancelInvoice(connection: Connection, paymentHash: PaymentHash): Promise<boolean> {
  try {
    await cancelHodlInvoice({ lnd: connection.lnd, id: paymentHash });
    return true;
  } catch (error) {
    if (/already (settled|cancell?ed)/i.test(lndFailure(error).details)) return false;
    throw error;
  }
}
