import { createHash } from 'node:crypto';
import * as ldk from 'lightningdevkit';
import { LightningError } from '../lightning.ts';
import type { CreatedInvoice, InvoiceState, InvoiceUpdate, NewInvoice, OurInvoice, PaymentHash } from '../lightning.ts';
import { msat } from '../../money/msat.ts';
import { hex, unhex } from './hex.ts';
import { InvoiceTable, stateOf } from './invoice-table.ts';
import type { InvoiceRow } from './invoice-table.ts';
import type { LdkNode } from './ldk-node.ts';
import type { Store } from './store.ts';

/** All the bitcoin there will ever be. */
const MAX_AMOUNT_MSAT = 2_100_000_000_000_000_000n;
const HEX_32 = /^[0-9a-f]{64}$/;
/** Blocks that a payer gives us for a held payment, as the lnd driver asks for. On our chain they pass only when they are mined by hand. */
const HOLD_CLTV_BLOCKS = 40;

/** Our invoices. LDK keeps none: it can verify a payment, but neither look an invoice up nor cancel it. */
export class Invoices {
  readonly #table: InvoiceTable;
  readonly #ldk: LdkNode;
  readonly #tell: (update: InvoiceUpdate) => boolean;
  readonly #watched = new Map<PaymentHash, symbol>();

  /** `tell` says whether the news is passed on: before the node is started it is not, and its watch goes on. */
  constructor(store: Store, node: LdkNode, tell: (update: InvoiceUpdate) => boolean) {
    this.#table = new InvoiceTable(store);
    this.#ldk = node;
    this.#tell = tell;
  }

  /** Finishes what a crash has cut off; claiming twice does no harm. */
  resume(): void {
    for (const { preimage } of this.#table.claiming()) this.#ldk.manager.claim_funds(unhex(preimage));
  }

  create(invoice: NewInvoice): CreatedInvoice {
    if (!HEX_32.test(invoice.preimage) || !HEX_32.test(invoice.descriptionHash)) {
      throw new LightningError('refused', 'preimage and description hash must be 64 lower-case hex digits');
    }
    const paymentHash = hashOf(invoice.preimage);
    const existing = this.#table.find(paymentHash);
    if (existing !== undefined) return { paymentRequest: existing.payment_request, paymentHash };
    if (invoice.amountMsat <= 0n || invoice.amountMsat > MAX_AMOUNT_MSAT) {
      throw new LightningError('refused', `an invoice of ${invoice.amountMsat} msat cannot be made`);
    }
    const paymentRequest = this.#sign(invoice, paymentHash);
    this.#table.insert({
      payment_hash: paymentHash,
      preimage: invoice.preimage,
      payment_request: paymentRequest,
      amount_msat: invoice.amountMsat,
      expires_at_s: invoice.expiresAtS,
      hold: invoice.hold ? 1 : 0,
      created_at_s: nowS(),
    });
    return { paymentRequest, paymentHash };
  }

  lookUp(paymentHash: PaymentHash): InvoiceState | undefined {
    const row = this.#table.find(paymentHash);
    return row && stateOf(row);
  }

  /** False while a payment is being claimed: ask again after the next commit. */
  cancel(paymentHash: PaymentHash): boolean {
    const row = this.#known(paymentHash);
    if (row.state === 'open') this.#cancelled(row);
    if (row.state === 'held') this.#giveBack(row);
    return row.state !== 'claiming';
  }

  /** False while the payment is being claimed: ask again after the next commit. */
  settle(preimage: string): boolean {
    const row = this.#known(hashOf(preimage));
    if (row.state === 'open' || row.state === 'cancelled') {
      throw new LightningError('refused', `there is no payment to take: the invoice is ${row.state}`);
    }
    if (row.state === 'held') this.#claim(row);
    return row.state === 'settled';
  }

  /** Tells the invoice's present state, and what becomes of it, until it is final or the returned function is called. */
  watch(paymentHash: PaymentHash): () => void {
    const watch = Symbol();
    this.#watched.set(paymentHash, watch);
    for (const { invoice } of this.#present(paymentHash)) this.#tellWatch(paymentHash, invoice);
    return () => {
      if (this.#watched.get(paymentHash) === watch) this.#watched.delete(paymentHash);
    };
  }

  /** The present states of what is watched, for the start to tell. */
  watched(): InvoiceUpdate[] {
    const updates = [...this.#watched.keys()].flatMap((paymentHash) => this.#present(paymentHash));
    for (const { paymentHash, invoice } of updates) if (invoice.state !== 'held') this.#watched.delete(paymentHash);
    return updates;
  }

  settledAfter(cursor: bigint): InvoiceUpdate[] {
    return this.#table.settledAfter(cursor).map((row) => ({
      paymentHash: row.payment_hash,
      invoice: stateOf(row),
      cursor: row.settle_number ?? 0n,
    }));
  }

  createdSince(sinceS: number): OurInvoice[] {
    return this.#table.createdSince(sinceS).map((row) => ({ paymentHash: row.payment_hash, invoice: stateOf(row) }));
  }

  /** A whole payment waits for our decision. LDK tells this once: the decision is in the same transaction. */
  onClaimable(event: ldk.Event_PaymentClaimable): void {
    const row = this.#table.find(hex(event.payment_hash));
    const isOpen = row?.state === 'open' && BigInt(nowS()) < row.expires_at_s;
    const isWanted = isOpen || row?.state === 'held' || row?.state === 'claiming';
    if (row === undefined || !isWanted || event.amount_msat < row.amount_msat) {
      this.#ldk.manager.fail_htlc_backwards(event.payment_hash);
    } else if (row.hold === 0n || row.state === 'claiming') {
      this.#claim(row);
    } else {
      const deadline = event.claim_deadline instanceof ldk.Option_u32Z_Some ? event.claim_deadline.some : 0;
      this.#table.hold(row.payment_hash, event.amount_msat, deadline);
      this.#tellWatch(row.payment_hash, { state: 'held', receivedMsat: msat(event.amount_msat) });
    }
  }

  onClaimed(event: ldk.Event_PaymentClaimed): void {
    const row = this.#table.find(hex(event.payment_hash));
    if (row === undefined || row.state === 'settled') return;
    const cursor = this.#table.settle(row.payment_hash, event.amount_msat);
    const invoice: InvoiceState = { state: 'settled', receivedMsat: msat(event.amount_msat) };
    if (this.#tell({ paymentHash: row.payment_hash, invoice, cursor })) this.#watched.delete(row.payment_hash);
  }

  /** Before LDK hears of the block of this height, at which it would give payments back without a word. */
  onBlock(height: number): void {
    for (const row of this.#table.heldUntil(height)) this.#giveBack(row);
  }

  #claim(row: InvoiceRow): void {
    this.#table.setState(row.payment_hash, 'claiming');
    this.#ldk.manager.claim_funds(unhex(row.preimage));
  }

  #giveBack(row: InvoiceRow): void {
    this.#ldk.manager.fail_htlc_backwards(unhex(row.payment_hash));
    this.#cancelled(row);
  }

  #cancelled({ payment_hash: paymentHash }: InvoiceRow): void {
    this.#table.setState(paymentHash, 'cancelled');
    this.#tellWatch(paymentHash, { state: 'cancelled' });
  }

  #known(paymentHash: PaymentHash): InvoiceRow {
    const row = this.#table.find(paymentHash);
    if (row === undefined) throw new LightningError('not-found', `no invoice has the hash ${paymentHash}`);
    return row;
  }

  #present(paymentHash: PaymentHash): InvoiceUpdate[] {
    const invoice = this.lookUp(paymentHash);
    return invoice === undefined || invoice.state === 'open' ? [] : [{ paymentHash, invoice }];
  }

  #tellWatch(paymentHash: PaymentHash, invoice: InvoiceState): void {
    if (!this.#watched.has(paymentHash)) return;
    if (this.#tell({ paymentHash, invoice }) && invoice.state !== 'held') this.#watched.delete(paymentHash);
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
      invoice.hold ? ldk.Option_u16Z.constructor_some(HOLD_CLTV_BLOCKS) : ldk.Option_u16Z.constructor_none(),
      ldk.Option_ThirtyTwoBytesZ.constructor_some(unhex(paymentHash)),
    );
    if (made instanceof ldk.Result_Bolt11InvoiceSignOrCreationErrorZ_OK) return made.res.to_str();
    throw new LightningError('refused', 'LDK makes no such invoice: is the amount beyond all bounds?');
  }
}

const nowS = (): number => Math.floor(Date.now() / 1000);

const hashOf = (preimage: string): PaymentHash => createHash('sha256').update(unhex(preimage)).digest('hex');
