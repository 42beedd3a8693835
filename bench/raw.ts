import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createHash, randomBytes } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { openLndNode } from '../src/lightning/lnd/lnd-node.ts';
import type { LndNode, LndOptions } from '../src/lightning/lnd/lnd-node.ts';
import { msat } from '../src/money/msat.ts';
import type { LndCoordinates } from '../test/rig/lnd.ts';
import { nowMs } from './marks.ts';

/** What the same nodes do without us: the yardstick for everything else. */
export interface RawPayment {
  readonly invoiceMs: number;
  readonly payMs: number;
}

/** An odd type that LCP does not use: every receiver ignores it. */
export const RAW_TYPE = 40_001;
const AMOUNT_MSAT = msat(1_376n); // as a sale of the benchmark asks
const INVOICE_S = 300;
/** Request, stream_begin, a chunk of 1 KB, stream_end. */
const BUYER_MESSAGES = [200, 250, 1150, 220];
/** Quote, stream_begin, a chunk, stream_end, result. */
const SELLER_MESSAGES = [600, 200, 1500, 220, 300];

/** Who sends raw messages: the client library that every program has, or the sender that the provider has of its own. */
export type RawSender = 'lightning' | 'ours';

export interface RawOrder {
  readonly sender: RawSender;
  readonly peer: string;
  readonly type: number;
  readonly bytes: number;
  readonly count: number;
}

/** How to reach an lnd of the rig with everything allowed; plain data, for threads. */
export function accessTo(lnd: LndCoordinates): LndOptions {
  const [cert, macaroon] = [readFileSync(lnd.certPath, 'utf8'), readFileSync(lnd.macaroonPath).toString('hex')];
  return { socket: lnd.grpcSocket, cert, macaroon };
}

/** The seller's lnd without a provider. */
export class RawSeller implements AsyncDisposable {
  readonly #node: LndNode; // never started: it listens to nothing
  readonly #worker: Worker;

  private constructor(node: LndNode, worker: Worker) {
    this.#node = node;
    this.#worker = worker;
  }

  static async start(lnd: LndCoordinates): Promise<RawSeller> {
    const access = accessTo(lnd);
    const worker = new Worker(new URL('raw-worker.ts', import.meta.url), { workerData: access });
    await once(worker, 'message');
    return new RawSeller(await openLndNode(access), worker);
  }

  /** An invoice of the seller, paid by the buyer. */
  async payment(buyer: LndNode): Promise<RawPayment> {
    const begun = nowMs();
    const { paymentRequest } = await this.#node.createInvoice({
      preimage: randomBytes(32).toString('hex'),
      descriptionHash: createHash('sha256').update('raw').digest('hex'),
      amountMsat: AMOUNT_MSAT,
      expiresAtS: Math.floor(Date.now() / 1000) + INVOICE_S,
      hold: false,
    });
    const invoiced = nowMs();
    await buyer.pay({ paymentRequest, maxFeeMsat: msat(10_000n), timeoutMs: 60_000 });
    return { invoiceMs: invoiced - begun, payMs: nowMs() - invoiced };
  }

  /** What a sale takes at least: a payment, and its messages as bare ones of about their sizes, those of each side one after another. */
  async bareSale(buyer: LndNode): Promise<void> {
    const say = async (from: LndNode, to: LndNode, sizes: readonly number[]) => {
      for (const bytes of sizes) await from.sendMessage(to.nodeId, RAW_TYPE, new Uint8Array(bytes));
    };
    await say(buyer, this.#node, BUYER_MESSAGES);
    await this.payment(buyer);
    await say(this.#node, buyer, SELLER_MESSAGES);
  }

  /** Sends messages to the buyer, one in flight, from a thread of its own; resolves with the megabytes per second that arrived. */
  async messageRate(sender: RawSender, buyer: LndNode, bytes: number, count: number): Promise<number> {
    const arrived = Promise.withResolvers<number>();
    let [seen, firstMs] = [0, 0];
    const stop = buyer.listen({
      message: (_peer, type) => {
        if (type !== RAW_TYPE) return;
        seen++;
        if (seen === 1) firstMs = nowMs();
        if (seen === count) arrived.resolve(nowMs() - firstMs);
      },
    });
    this.#worker.postMessage({ sender, peer: buyer.nodeId, type: RAW_TYPE, bytes, count } satisfies RawOrder);
    const elapsedMs = await arrived.promise;
    stop();
    return ((count - 1) * bytes) / 1000 / elapsedMs;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
    await this.#node.close();
  }
}
