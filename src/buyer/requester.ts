import type { Logger } from 'pino';
import type { Clock } from '../clock/clock.ts';
import type { LightningNode, NodeId } from '../lightning/lightning.ts';
import { LightningError } from '../lightning/lightning.ts';
import { msat } from '../money/msat.ts';
import type { Msat } from '../money/msat.ts';
import { MAX_CHUNK_OVERHEAD_BYTES } from '../protocol/codec.ts';
import type { Manifest, Message } from '../protocol/messages.ts';
import type { Session, SessionRole } from '../session/session.ts';
import { BuyerError } from './buyer-error.ts';
import { makeOrder } from './order.ts';
import type { Order, OrderRequest } from './order.ts';
import { Purchase } from './purchase.ts';
import type { Answer } from './purchase.ts';
import { checkQuote } from './terms-check.ts';

export interface RequesterOptions {
  readonly session: Session;
  readonly node: LightningNode;
  readonly clock: Clock;
  readonly log: Logger;
  readonly maxAnswerBytes: number;
  readonly maxFeeMsat: Msat;
  readonly quoteTimeoutMs: number;
  /** A provider that says when to come back is asked again, as long as all waits together are no longer. Default 0. */
  readonly patienceMs?: number | undefined;
  readonly payTimeoutMs: number;
}

/** The moments of one purchase, for those who show or measure it. */
export interface PurchaseSteps {
  /** It is asked again after this time, because of what the provider said. */
  waits?(ms: number, why: string): void;
  quoted?(priceMsat: Msat): void;
  paid?(feeMsat: Msat): void;
}

export interface Bought extends Answer {
  readonly jobId: string;
  readonly priceMsat: Msat;
  /** Resolves when the answer is complete and checked; rejects with BuyerError. */
  readonly done: Promise<void>;
}

/** Buys answers from LCP providers: one purchase per request, every term checked before it pays. */
export class Requester implements SessionRole {
  readonly #options: RequesterOptions;
  readonly #purchases = new Map<string, Purchase>();

  constructor(options: RequesterOptions) {
    this.#options = options;
  }

  message(peer: NodeId, message: Exclude<Message, Manifest>): boolean {
    const purchase = this.#purchases.get(keyOf(peer, message));
    purchase?.message(message);
    return purchase !== undefined;
  }

  /** Asks for a quote, checks and pays it, and returns when the answer begins. Aborting cancels the job. Rejects with BuyerError. */
  async buy(request: OrderRequest, signal: AbortSignal, steps: PurchaseSteps = {}): Promise<Bought> {
    for (let leftMs = this.#options.patienceMs ?? 0; ;) {
      try {
        return await this.#buyOnce(request, signal, steps);
      } catch (error) {
        const { retryAfterMs, isPaid, message } = BuyerError.of(error, false);
        if (retryAfterMs === undefined || retryAfterMs > leftMs || isPaid) throw error;
        leftMs -= retryAfterMs;
        steps.waits?.(retryAfterMs, message);
        await this.#pause(retryAfterMs, signal);
      }
    }
  }

  async #buyOnce(request: OrderRequest, signal: AbortSignal, steps: PurchaseSteps): Promise<Bought> {
    if (signal.aborted) throw new BuyerError('cancelled', 'cancelled before anything was sent');
    const order = makeOrder(request);
    const purchase = new Purchase(order, BigInt(this.#options.maxAnswerBytes));
    const key = keyOf(order.peer, order);
    this.#purchases.set(key, purchase);
    const cancel = () => this.#cancel(purchase);
    signal.addEventListener('abort', cancel, { once: true });
    purchase.done
      .catch(() => {})
      .finally(() => {
        signal.removeEventListener('abort', cancel);
        this.#purchases.delete(key);
      });
    try {
      await this.#send(order);
      const quote = await this.#withTimeout(purchase.quote);
      const { paymentRequest, priceMsat } = checkQuote(quote, order, Math.floor(this.#options.clock.nowMs() / 1000));
      steps.quoted?.(priceMsat);
      await this.#pay(purchase, paymentRequest, steps);
      const answer = await purchase.answer;
      return { ...answer, jobId: order.jobId, priceMsat, done: purchase.done };
    } catch (error) {
      const failure = BuyerError.of(error, purchase.isPaid);
      if (!failure.isPaid && failure.providerError === undefined) this.#cancel(purchase);
      purchase.fail(failure);
      throw failure;
    }
  }

  async #send(order: Order): Promise<void> {
    const { session, node } = this.#options;
    const { peer, version, jobId, inputStreamId: streamId, input } = order;
    const manifest = session.manifestOf(peer, version);
    if (manifest === undefined)
      throw new BuyerError(
        'no-provider',
        `${peer.slice(0, 16)}… is no LCP provider that is on line (no v0.${version} manifest)`,
      );
    const totalBytes = BigInt(input.length);
    if (totalBytes > manifest.maxStreamBytes)
      throw new BuyerError(
        'refused',
        `the request has ${totalBytes} bytes; the provider takes ${manifest.maxStreamBytes}`,
      );
    const chunkBytes = Math.min(manifest.maxPayloadBytes, node.maxMessageBytes) - MAX_CHUNK_OVERHEAD_BYTES;
    const stream = { streamId, totalBytes, sha256: order.inputSha256 };
    try {
      await session.send(peer, {
        kind: 'quote-request',
        version,
        jobId,
        taskKind: order.taskKind,
        params: order.params,
      });
      await session.send(peer, {
        kind: 'stream-begin',
        version,
        jobId,
        ...stream,
        streamKind: 'input',
        contentType: order.inputContentType,
        contentEncoding: order.inputContentEncoding,
      });
      for (let seq = 0; seq * chunkBytes < input.length; seq++) {
        const data = input.subarray(seq * chunkBytes, (seq + 1) * chunkBytes);
        await session.send(peer, { kind: 'stream-chunk', version, jobId, streamId, seq, data });
      }
      await session.send(peer, { kind: 'stream-end', version, jobId, ...stream });
    } catch (cause) {
      throw cause instanceof LightningError
        ? new BuyerError('no-provider', `the request could not be sent: ${cause.message}`, { cause })
        : cause;
    }
  }

  async #pay(purchase: Purchase, paymentRequest: string, steps: PurchaseSteps): Promise<void> {
    const { node, maxFeeMsat, payTimeoutMs } = this.#options;
    try {
      // A refusal or a cancel while this waits ends the purchase, not the payment.
      const paid = await node.pay({ paymentRequest, maxFeeMsat, timeoutMs: payTimeoutMs });
      purchase.paid();
      steps.paid?.(paid.feeMsat);
    } catch (cause) {
      if (!(cause instanceof LightningError)) throw cause;
      const isUnknown = cause.code === 'payment-unknown' || cause.code === 'unavailable';
      throw new BuyerError(
        isUnknown ? 'payment-unknown' : 'payment-failed',
        `the payment did not go through: ${cause.message}`,
        { cause, isPaid: isUnknown },
      );
    }
  }

  #cancel(purchase: Purchase): void {
    if (purchase.isOver) return;
    const { peer, version, jobId } = purchase.order;
    this.#options.session
      .send(peer, { kind: 'cancel', version, jobId })
      .catch((error: unknown) => this.#options.log.debug({ reason: String(error) }, 'cancel not sent'));
    purchase.fail(new BuyerError('cancelled', 'cancelled'));
  }

  /** Until then, or until the signal aborts. */
  #pause(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        stop();
        signal.removeEventListener('abort', end);
        resolve();
      };
      const stop = this.#options.clock.timer(ms, end);
      signal.addEventListener('abort', end, { once: true });
    });
  }

  #withTimeout<T>(promise: Promise<T>): Promise<T> {
    const { clock, quoteTimeoutMs } = this.#options;
    const late = Promise.withResolvers<never>();
    const stop = clock.timer(quoteTimeoutMs, () =>
      late.reject(new BuyerError('timeout', `no quote within ${quoteTimeoutMs / 1000} s; nothing was paid`)),
    );
    return Promise.race([promise, late.promise]).finally(stop);
  }
}

const keyOf = (peer: NodeId, message: { readonly version: number; readonly jobId: string }): string =>
  `${peer}/${message.version}/${message.jobId}`;

/** Fees of a direct channel are zero; this bounds longer routes. */
export const DEFAULT_MAX_FEE_MSAT = msat(10_000n);
