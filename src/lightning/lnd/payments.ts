import { msat } from '../../money/msat.ts';
import { parseBolt11 } from '../bolt11.ts';
import { LightningError } from '../lightning.ts';
import type { PaidInvoice, Payment, PaymentHash } from '../lightning.ts';
import type { AnswerStream, Connection, RawPayment } from './connection.ts';
import { lightningError } from './lnd-error.ts';

/** Parts that a payment may be split into; lncli's default. */
const MAX_PARTS = 16;

const REASONS: Readonly<Record<string, string>> = {
  FAILURE_REASON_TIMEOUT: 'no route was found in time',
  FAILURE_REASON_NO_ROUTE: 'there is no route to the payee for this amount and fee limit',
  FAILURE_REASON_ERROR: 'lnd met an error',
  FAILURE_REASON_INCORRECT_PAYMENT_DETAILS: 'the payee refused it: invoice unknown, paid, cancelled or expired',
  FAILURE_REASON_INSUFFICIENT_BALANCE: 'our channels hold too little, or are not active yet',
  FAILURE_REASON_CANCELED: 'it was cancelled',
};

type Outcome =
  { readonly is: 'final'; readonly payment: RawPayment } | { readonly is: 'failed'; readonly error: LightningError };

/** The last word of a payment's stream. lnd ends the stream after it; an end without it is an error. */
const outcomeOf = (stream: AnswerStream<RawPayment>): Promise<Outcome> =>
  new Promise((resolve) => {
    const fail = (error: unknown): void => resolve({ is: 'failed', error: lightningError(error, 'paying') });
    stream.on('data', (payment) => {
      if (payment.status === 'SUCCEEDED' || payment.status === 'FAILED') resolve({ is: 'final', payment });
    });
    stream.on('error', fail);
    stream.on('end', () => fail(undefined));
  });

const unknown = (why: string): LightningError =>
  new LightningError('payment-unknown', `${why}; the payment may still succeed: ask again with the same invoice`);

function result(payment: RawPayment): PaidInvoice {
  if (payment.status === 'SUCCEEDED')
    return { preimage: payment.payment_preimage, feeMsat: msat(BigInt(payment.fee_msat)) };
  throw new LightningError('payment-failed', `paying: ${REASONS[payment.failure_reason] ?? payment.failure_reason}`);
}

/**
 * Payments, each invoice once. /routerrpc.Router/SendPaymentV2 (offchain:write), TrackPaymentV2 (offchain:read).
 *
 * Not `payViaPaymentRequest` of `lightning`: it waits for ever when lnd closes the stream early, allows paying ourselves in a
 * circle, and turns a payment that succeeded into an error when one of its checks on the details of the route fails.
 */
export class Payments {
  readonly #connection: Connection;
  readonly #underWay = new Map<PaymentHash, Promise<PaidInvoice>>();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async pay(payment: Payment): Promise<PaidInvoice> {
    let hash: PaymentHash;
    try {
      hash = parseBolt11(payment.paymentRequest).paymentHash;
    } catch {
      throw new LightningError('refused', 'paying: this is no BOLT 11 invoice that can be read');
    }
    let paying = this.#underWay.get(hash);
    if (!paying) {
      paying = this.#run(hash, payment).finally(() => this.#underWay.delete(hash));
      paying.catch(() => undefined); // it may fail after everybody who waited for it has timed out
      this.#underWay.set(hash, paying);
    }
    const timeout = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => timeout.reject(unknown(`paying: no outcome within ${payment.timeoutMs} ms`)),
      payment.timeoutMs,
    );
    try {
      return await Promise.race([paying, timeout.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Resolves when no payment is under way: after that the connection may be closed. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#underWay.values());
  }

  async #run(hash: PaymentHash, { paymentRequest, maxFeeMsat, timeoutMs }: Payment): Promise<PaidInvoice> {
    const { router } = this.#connection;
    const sent = await outcomeOf(
      router.sendPaymentV2({
        payment_request: paymentRequest,
        fee_limit_msat: maxFeeMsat.toString(),
        // Sooner than our own timer, so that lnd's clear "failed" comes first. It bounds new attempts, not those under way.
        timeout_seconds: Math.max(1, Math.floor(timeoutMs / 1000) - 1),
        max_parts: MAX_PARTS,
        no_inflight_updates: true,
        cancelable: true, // no new attempts when we are gone
      }),
    );
    if (sent.is === 'final') return result(sent.payment);
    if (sent.error.code === 'unavailable') throw unknown(sent.error.message);
    if (sent.error.code === 'permission-denied') throw sent.error;

    // lnd did not begin. It says so of an invoice that is paid, or being paid, and it checks the expiry first: only the
    // payment itself tells whether money has moved.
    const tracked = await outcomeOf(
      router.trackPaymentV2({ payment_hash: Buffer.from(hash, 'hex'), no_inflight_updates: true }),
    );
    if (tracked.is === 'final') return result(tracked.payment);
    if (tracked.error.code === 'not-found') throw new LightningError('refused', sent.error.message);
    throw unknown(tracked.error.message);
  }
}
