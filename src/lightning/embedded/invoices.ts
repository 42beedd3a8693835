import { createHash } from 'node:crypto';
import * as ldk from 'lightningdevkit';
import { LightningError } from '../lightning.ts';
import type { CreatedInvoice, InvoiceState, InvoiceUpdate, NewInvoice, PaymentHash } from '../lightning.ts';
import { msat } from '../../money/msat.ts';
import { hex, unhex } from './hex.ts';
import type { LdkNode } from './ldk-node.ts';
import type { Store } from './store.ts';

/** `claiming`: a payment has arrived and been accepted, LDK is about to have it. Not open any more, not settled yet. */
interface InvoiceRow {
  readonly payment_hash: string;
  readonly preimage: string;
  readonly payment_request: string;
  readonly amount_msat: bigint;
  readonly expires_at_s: bigint;
  readonly state: 'open' | 'claiming' | 'settled' | 'cancelled';
  readonly received_msat: bigint | null;
  readonly settle_number: bigint | null;
}

/** All the bitcoin there will ever be. */
const MAX_AMOUNT_MSAT = 2_100_000_000_000_000_000n;
const HEX_32 = /^[0-9a-f]{64}$/;

/** Our invoices. LDK keeps none: it can verify a payment, but neither look an invoice up nor cancel it. */
export class Invoices {
  readonly #store: Store;
  readonly #ldk: LdkNode;
  readonly #settled: (update: InvoiceUpdate) => void;
  readonly #find;
  readonly #insert;
  readonly #setState;
  readonly #settle;
  readonly #last;
  readonly #after;

  constructor(store: Store, node: LdkNode, settled: (update: InvoiceUpdate) => void) {
    this.#store = store;
    this.#ldk = node;
    this.#settled = settled;
    this.#find = store.prepare('SELECT * FROM invoices WHERE payment_hash = ?');
    this.#insert = store.prepare("INSERT INTO invoices VALUES (?, ?, ?, ?, ?, 'open', NULL, NULL)");
    this.#setState = store.prepare('UPDATE invoices SET state = ? WHERE payment_hash = ?');
    this.#settle = store.prepare(
      "UPDATE invoices SET state = 'settled', received_msat = ?, settle_number = ? WHERE payment_hash = ?",
    );
    this.#last = store.prepare('SELECT coalesce(max(settle_number), 0) AS number FROM invoices');
    this.#after = store.prepare('SELECT * FROM invoices WHERE settle_number > ? ORDER BY settle_number');
  }

  /** Finishes what a crash has cut off; claiming twice does no harm. */
  resume(): void {
    const claiming = this.#store.prepare("SELECT preimage FROM invoices WHERE state = 'claiming'").all();
    for (const row of claiming) this.#ldk.manager.claim_funds(unhex(row['preimage'] as string));
  }

  create(invoice: NewInvoice): CreatedInvoice {
    if (!HEX_32.test(invoice.preimage) || !HEX_32.test(invoice.descriptionHash)) {
      throw new LightningError('refused', 'preimage and description hash must be 64 lower-case hex digits');
    }
    const paymentHash = createHash('sha256').update(unhex(invoice.preimage)).digest('hex');
    const existing = this.#row(paymentHash);
    if (existing !== undefined) return { paymentRequest: existing.payment_request, paymentHash };
    if (invoice.amountMsat <= 0n || invoice.amountMsat > MAX_AMOUNT_MSAT) {
      throw new LightningError('refused', `an invoice of ${invoice.amountMsat} msat cannot be made`);
    }
    const paymentRequest = this.#sign(invoice, paymentHash);
    const { preimage, amountMsat, expiresAtS } = invoice;
    this.#store.write('invoice', this.#insert, paymentHash, preimage, paymentRequest, amountMsat, expiresAtS);
    return { paymentRequest, paymentHash };
  }

  lookUp(paymentHash: PaymentHash): InvoiceState | undefined {
    const row = this.#row(paymentHash);
    if (row === undefined) return undefined;
    if (row.state === 'settled') return { state: 'settled', receivedMsat: msat(row.received_msat ?? 0n) };
    return { state: row.state === 'cancelled' ? 'cancelled' : 'open' };
  }

  /** False while a payment is being claimed: ask again after the next commit. */
  cancel(paymentHash: PaymentHash): boolean {
    const row = this.#row(paymentHash);
    if (row === undefined) throw new LightningError('not-found', `no invoice has the hash ${paymentHash}`);
    if (row.state === 'open') this.#store.write('invoice', this.#setState, 'cancelled', paymentHash);
    return row.state !== 'claiming';
  }

  settledAfter(cursor: bigint): InvoiceUpdate[] {
    return (this.#after.all(cursor) as unknown as InvoiceRow[]).map((row) => ({
      paymentHash: row.payment_hash,
      invoice: { state: 'settled', receivedMsat: msat(row.received_msat ?? 0n) },
      cursor: row.settle_number ?? 0n,
    }));
  }

  /** A whole payment waits for our decision. LDK tells this once: the decision is in the same transaction. */
  onClaimable(event: ldk.Event_PaymentClaimable): void {
    const row = this.#row(hex(event.payment_hash));
    const open = row?.state === 'open' && BigInt(Math.floor(Date.now() / 1000)) < row.expires_at_s;
    if (row !== undefined && (open || row.state === 'claiming') && event.amount_msat >= row.amount_msat) {
      this.#store.write('invoice', this.#setState, 'claiming', row.payment_hash);
      this.#ldk.manager.claim_funds(unhex(row.preimage));
    } else {
      this.#ldk.manager.fail_htlc_backwards(event.payment_hash);
    }
  }

  onClaimed(event: ldk.Event_PaymentClaimed): void {
    const row = this.#row(hex(event.payment_hash));
    if (row === undefined || row.state === 'settled') return;
    const cursor = (this.#last.get()?.['number'] as bigint) + 1n;
    this.#store.write('invoice', this.#settle, event.amount_msat, cursor, row.payment_hash);
    const invoice: InvoiceState = { state: 'settled', receivedMsat: msat(event.amount_msat) };
    this.#settled({ paymentHash: row.payment_hash, invoice, cursor });
  }

  #row(paymentHash: PaymentHash): InvoiceRow | undefined {
    return this.#find.get(paymentHash) as unknown as InvoiceRow | undefined;
  }

  #sign(invoice: NewInvoice, paymentHash: PaymentHash): string {
    const secondsLeft = invoice.expiresAtS - this.#ldk.tellTime(); // the invoice will bear LDK's time
    if (secondsLeft < 1 || secondsLeft > 0xffff_ffff) {
      throw new LightningError('refused', 'the expiry of an invoice must be in the future');
    }
    const descriptionHash = ldk.Sha256.constructor_from_bytes(unhex(invoice.descriptionHash));
    const made = this.#ldk.manager.create_bolt11_invoice(
      ldk.Option_u64Z.constructor_some(invoice.amountMsat),
      ldk.Bolt11InvoiceDescription.constructor_hash(descriptionHash),
      ldk.Option_u32Z.constructor_some(secondsLeft),
      ldk.Option_u16Z.constructor_none(),
      ldk.Option_ThirtyTwoBytesZ.constructor_some(unhex(paymentHash)),
    );
    if (made instanceof ldk.Result_Bolt11InvoiceSignOrCreationErrorZ_OK) return made.res.to_str();
    throw new LightningError('refused', 'LDK makes no such invoice: is the amount beyond all bounds?');
  }
}
