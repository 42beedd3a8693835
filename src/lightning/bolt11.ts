import { parsePaymentRequest } from 'invoices';
import { msat } from '../money/msat.ts';
import type { Msat } from '../money/msat.ts';
import { LightningError } from './lightning.ts';
import type { NodeId, PaymentHash } from './lightning.ts';

/** What an invoice says; the payee is the key that signed it. */
export interface Bolt11 {
  readonly paymentHash: PaymentHash;
  readonly payee: NodeId;
  /** Undefined: any amount. */
  readonly amountMsat?: Msat;
  /** Field `h`, 64 hex digits. */
  readonly descriptionHash?: string;
  /** Unix seconds. */
  readonly expiresAtS: number;
}

/** Reads and checks an invoice: BOLT 11. Throws LightningError `refused` when it is none. */
export function parseBolt11(paymentRequest: string): Bolt11 {
  try {
    const parsed = parsePaymentRequest({ request: paymentRequest });
    return {
      paymentHash: parsed.id,
      payee: parsed.destination,
      expiresAtS: Math.floor(Date.parse(parsed.expires_at) / 1000),
      ...(parsed.mtokens === undefined ? {} : { amountMsat: msat(BigInt(parsed.mtokens)) }),
      ...(parsed.description_hash === undefined ? {} : { descriptionHash: parsed.description_hash }),
    };
  } catch (cause) {
    throw new LightningError('refused', 'not a valid BOLT 11 invoice', { cause });
  }
}
