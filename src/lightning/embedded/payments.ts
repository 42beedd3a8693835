import * as ldk from 'lightningdevkit';
import { LightningError } from '../lightning.ts';
import type { PaidInvoice, Payment, PaymentHash } from '../lightning.ts';
import { msat } from '../../money/msat.ts';
import { hex, unhex } from './hex.ts';
import type { LdkNode } from './ldk-node.ts';
import type { Store } from './store.ts';

interface PaymentRow {
  readonly payment_hash: string;
  readonly payment_request: string;
  readonly max_fee_msat: bigint;
  readonly state: 'in-flight' | 'paid' | 'failed';
  readonly preimage: string | null;
  readonly fee_msat: bigint | null;
}

/** A payment that LDK does not have yet, because the channel is full, or not usable right now. */
interface Queued {
  readonly invoice: ldk.Bolt11Invoice;
  readonly paymentRequest: string;
  readonly maxFeeMsat: bigint;
}

interface Waiter {
  readonly resolve: (paid: PaidInvoice) => void;
  readonly reject: (error: LightningError) => void;
  readonly timer: NodeJS.Timeout;
}

/** LDK tells nobody when a channel has room for one more payment. */
const RETRY_MS = 50;
/** The longest that a timer takes. */
const LONGEST_MS = 2 ** 31 - 1;
/** Payments tried in vain before the others are left for the next round: each try is a search for a route. */
const TRIES_IN_VAIN = 8;

/** Why a payment that has failed may be tried again: it never reached the payee. */
const NO_WAY = new Set<ldk.PaymentFailureReason>([
  ldk.PaymentFailureReason.LDKPaymentFailureReason_RetriesExhausted,
  ldk.PaymentFailureReason.LDKPaymentFailureReason_RouteNotFound,
]);

/** Payments by payment hash, which is LDK's payment id too: it takes an id only once at a time. */
export class Payments {
  readonly #store: Store;
  readonly #ldk: LdkNode;
  readonly #host: PaymentHost;
  readonly #queue = new Map<PaymentHash, Queued>();
  readonly #waiters = new Map<PaymentHash, Set<Waiter>>();
  readonly #find;
  readonly #insert;
  readonly #finish;
  #retry: NodeJS.Timeout | undefined;
  #due = false;

  constructor(store: Store, node: LdkNode, host: PaymentHost) {
    this.#store = store;
    this.#ldk = node;
    this.#host = host;
    this.#find = store.prepare('SELECT * FROM payments WHERE payment_hash = ?');
    this.#insert = store.prepare("INSERT OR REPLACE INTO payments VALUES (?, ?, ?, 'in-flight', NULL, NULL)");
    this.#finish = store.prepare('UPDATE payments SET state = ?, preimage = ?, fee_msat = ? WHERE payment_hash = ?');
  }

  pay({ paymentRequest, maxFeeMsat, timeoutMs }: Payment): Promise<PaidInvoice> {
    const invoice = parse(paymentRequest);
    const paymentHash = hex(invoice.payment_hash());
    const row = this.#row(paymentHash);
    if (row?.state === 'paid') return Promise.resolve(paidOf(row));
    if (row?.state !== 'in-flight' && !this.#queue.has(paymentHash)) {
      if (invoice.would_expire(BigInt(Math.floor(Date.now() / 1000)))) {
        throw new LightningError('payment-failed', 'the invoice has expired: nothing has been sent');
      }
      this.#queue.set(paymentHash, { invoice, paymentRequest, maxFeeMsat });
      this.#due = true;
    }
    this.#host.schedule();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#giveUp(paymentHash, waiter), Math.min(timeoutMs, LONGEST_MS));
      const waiter: Waiter = { resolve, reject, timer };
      const waiters = this.#waiters.get(paymentHash) ?? new Set();
      this.#waiters.set(paymentHash, waiters.add(waiter));
    });
  }

  /** Hands queued payments to LDK, as far as it finds a way; true if it took one. */
  sendQueued(): boolean {
    if (!this.#due) return false;
    this.#due = false;
    let sent = false;
    let inVain = 0;
    for (const [paymentHash, queued] of this.#queue) {
      if (this.#send(paymentHash, queued)) sent = true;
      else if (++inVain === TRIES_IN_VAIN) break;
    }
    if (this.#queue.size > 0) this.#retry ??= setTimeout(() => this.#tryAgain(), RETRY_MS);
    return sent;
  }

  onSent(event: ldk.Event_PaymentSent): void {
    const paymentHash = hex(event.payment_hash);
    const preimage = hex(event.payment_preimage);
    const feeMsat = event.fee_paid_msat instanceof ldk.Option_u64Z_Some ? event.fee_paid_msat.some : 0n;
    this.#store.write('payment', this.#finish, 'paid', preimage, feeMsat, paymentHash);
    this.#due = true;
    this.#end(paymentHash, ({ resolve }) => resolve({ preimage, feeMsat: msat(feeMsat) }));
  }

  onFailed(event: ldk.Event_PaymentFailed): void {
    const paymentHash = hex(event.payment_id);
    const row = this.#row(paymentHash);
    if (row === undefined || row.state === 'paid') return;
    this.#store.write('payment', this.#finish, 'failed', null, null, paymentHash);
    this.#due = true;
    const reason = event.reason instanceof ldk.Option_PaymentFailureReasonZ_Some ? event.reason.some : undefined;
    if (reason !== undefined && NO_WAY.has(reason) && this.#waiters.has(paymentHash)) {
      const { payment_request: paymentRequest, max_fee_msat: maxFeeMsat } = row;
      this.#queue.set(paymentHash, { invoice: parse(paymentRequest), paymentRequest, maxFeeMsat });
      this.#due = false; // at once it would fail again
      this.#retry ??= setTimeout(() => this.#tryAgain(), RETRY_MS);
      return;
    }
    const why = reason === undefined ? 'unknown' : ldk.PaymentFailureReason[reason];
    const error = new LightningError('payment-failed', `the payment failed: ${nameOf(why)}. No money has moved`);
    this.#end(paymentHash, ({ reject }) => reject(error));
  }

  /** The node ends: what LDK has may still be paid, what is queued is not. */
  close(error: LightningError): void {
    clearTimeout(this.#retry);
    const unknown = new LightningError('payment-unknown', `${error.message}. The payment may still succeed`);
    for (const [paymentHash, waiters] of this.#waiters) {
      const queued = this.#queue.has(paymentHash);
      for (const { reject, timer } of waiters) {
        clearTimeout(timer);
        reject(queued ? error : unknown);
      }
    }
    this.#waiters.clear();
    this.#queue.clear();
  }

  #row(paymentHash: PaymentHash): PaymentRow | undefined {
    return this.#find.get(paymentHash) as unknown as PaymentRow | undefined;
  }

  #tryAgain(): void {
    this.#retry = undefined;
    this.#due = true;
    this.#host.schedule();
  }

  #send(paymentHash: PaymentHash, { invoice, paymentRequest, maxFeeMsat }: Queued): boolean {
    const { manager } = this.#ldk;
    if (manager.list_usable_channels().length === 0) {
      if (manager.list_channels().length === 0) this.#fail(paymentHash, 'there is no channel to pay over');
      return false;
    }
    const parameters = ldk.UtilMethods.constructor_payment_parameters_from_invoice(invoice);
    if (!(parameters instanceof ldk.Result_C3Tuple_ThirtyTwoBytesRecipientOnionFieldsRouteParametersZNoneZ_OK)) {
      this.#fail(paymentHash, 'the invoice names no amount');
      return false;
    }
    const route = parameters.res.get_c();
    route.set_max_total_routing_fee_msat(ldk.Option_u64Z.constructor_some(maxFeeMsat));
    const [id, onion, once] = [unhex(paymentHash), parameters.res.get_b(), ldk.Retry.constructor_attempts(1)];
    const sent = manager.send_payment(id, onion, id, route, once);
    if (sent instanceof ldk.Result_NoneRetryableSendFailureZ_Err) {
      if (sent.err === ldk.RetryableSendFailure.LDKRetryableSendFailure_RouteNotFound) {
        if (this.#isIdle()) this.#fail(paymentHash, 'no channel of ours holds that much, or leads there');
        return false;
      }
      if (sent.err !== ldk.RetryableSendFailure.LDKRetryableSendFailure_DuplicatePayment) {
        this.#fail(paymentHash, nameOf(ldk.RetryableSendFailure[sent.err]));
        return false;
      }
    }
    this.#queue.delete(paymentHash);
    this.#store.write('payment', this.#insert, paymentHash, paymentRequest, maxFeeMsat);
    return true;
  }

  /** All channels can be used and nothing is on its way over them: what does not fit now will not fit soon. */
  #isIdle(): boolean {
    return this.#ldk.manager
      .list_channels()
      .every(
        (channel) =>
          channel.get_is_usable() &&
          channel.get_pending_outbound_htlcs().length + channel.get_pending_inbound_htlcs().length === 0,
      );
  }

  /** A payment that LDK never took. */
  #fail(paymentHash: PaymentHash, why: string): void {
    this.#queue.delete(paymentHash);
    const error = new LightningError('payment-failed', `${why}: nothing has been sent`);
    this.#end(paymentHash, ({ reject }) => reject(error));
  }

  #giveUp(paymentHash: PaymentHash, waiter: Waiter): void {
    const waiters = this.#waiters.get(paymentHash);
    if (waiters === undefined || !waiters.delete(waiter)) return;
    const last = waiters.size === 0;
    if (last) this.#waiters.delete(paymentHash);
    if (last && this.#queue.delete(paymentHash)) {
      waiter.reject(new LightningError('payment-failed', 'no channel could take the payment: nothing has been sent'));
    } else {
      waiter.reject(new LightningError('payment-unknown', 'the payment is under way: ask again with the same invoice'));
    }
  }

  /** Answers after the commit; when it fails, `close` answers instead. */
  #end(paymentHash: PaymentHash, answer: (waiter: Waiter) => void): void {
    this.#host.afterCommit(() => {
      const waiters = this.#waiters.get(paymentHash) ?? [];
      this.#waiters.delete(paymentHash);
      for (const waiter of waiters) {
        clearTimeout(waiter.timer);
        answer(waiter);
      }
    });
  }
}

/** What the payments need of the node. */
export interface PaymentHost {
  schedule(): void;
  afterCommit(answer: () => void): void;
}

const paidOf = (row: PaymentRow): PaidInvoice => ({ preimage: row.preimage ?? '', feeMsat: msat(row.fee_msat ?? 0n) });

const nameOf = (constant: string | undefined): string => (constant ?? 'unknown').replace(/^LDK[A-Za-z]+_/, '');

function parse(paymentRequest: string): ldk.Bolt11Invoice {
  const parsed = ldk.Bolt11Invoice.constructor_from_str(paymentRequest);
  if (!(parsed instanceof ldk.Result_Bolt11InvoiceParseOrSemanticErrorZ_OK)) {
    throw new LightningError('refused', 'this is no BOLT 11 invoice');
  }
  if (parsed.res.currency() !== ldk.Currency.LDKCurrency_Regtest) {
    throw new LightningError('refused', 'the embedded node pays regtest invoices only: it holds play money');
  }
  return parsed.res;
}
