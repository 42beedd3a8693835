import { randomBytes } from 'node:crypto';
import { makeOrder } from '../../src/buyer/order.ts';
import type { Order } from '../../src/buyer/order.ts';
import type { LightningNode, NodeId } from '../../src/lightning/lightning.ts';
import { msat } from '../../src/money/msat.ts';
import { chunkMsgId, decodeMessage, encodeMessage } from '../../src/protocol/codec.ts';
import type { Kind, Manifest, Message, Quote, Result, StreamBegin, Version } from '../../src/protocol/messages.ts';
import type { Outgoing } from '../../src/session/session.ts';
import { openBuyerLnd } from './buyer-lnd.ts';
import { chatKind } from './rig-buyer.ts';
import type { Rig } from './rig.ts';
import type { SellerProcess } from './seller-process.ts';
import { poll } from './poll.ts';

type Heard<K extends Kind> = Extract<Message, { kind: K }>;
const chunkBytes = 30_000;
const maxFeeMsat = msat(10_000n);

/** What a buyer takes, as its manifest says it. */
export type Limits = Pick<Manifest, 'maxPayloadBytes' | 'maxStreamBytes' | 'maxJobBytes'>;
export const ordinaryLimits: Limits = { maxPayloadBytes: 60_000, maxStreamBytes: 1n << 26n, maxJobBytes: 1n << 27n };

/** A buyer that sends and sees the messages themselves: nothing is sent by itself, nothing is left out. */
export class WireBuyer implements AsyncDisposable {
  readonly node: LightningNode;
  readonly provider: NodeId;
  readonly heard: Message[] = [];
  /** How long its messages are good for. */
  lifetimeS = 300;
  readonly #payer: LightningNode;

  private constructor(node: LightningNode, provider: NodeId, payer: LightningNode) {
    this.node = node;
    this.provider = provider;
    this.#payer = payer;
  }

  /** On the buyer's lnd of the rig. */
  static async start(rig: Rig): Promise<WireBuyer> {
    const node = await openBuyerLnd(rig);
    return WireBuyer.on(node, rig.seller.nodeId, node);
  }

  /** On a node that is not started; `payer` pays what it is asked to. */
  static async on(node: LightningNode, provider: NodeId, payer: LightningNode): Promise<WireBuyer> {
    const wire = new WireBuyer(node, provider, payer);
    node.listen({
      message: (peer, type, payload) => {
        const message = decodeMessage(type, Uint8Array.from(payload));
        if (peer === wire.provider && message.kind !== 'undecodable' && message.kind !== 'not-ours') {
          wire.heard.push(message);
        }
      },
    });
    await node.start(0n);
    return wire;
  }

  /** Says what it takes, until the seller has written it down: nothing else tells when the seller listens. */
  async introduce(seller: SellerProcess): Promise<void> {
    const isKnown = async () => {
      for (const version of [2, 3] as const) await this.sendManifest(version, ordinaryLimits);
      return seller.books.read().manifests.filter(({ peer }) => peer === this.node.nodeId).length === 2;
    };
    await poll('manifests in the books of the seller', 10_000, isKnown, undefined, 250);
  }

  /** What follows in this version is judged by these limits, since messages keep their order. A seller hears 20 manifests a minute. */
  async sendManifest(version: Version, limits: Limits): Promise<void> {
    const message = encodeMessage({ kind: 'manifest', version, protocolVersion: version, ...limits, tasks: [] });
    await this.node.sendMessage(this.provider, message.type, message.payload);
  }

  /** What a buyer asks for; nothing is sent yet. */
  order(body: string, version: Version = 2, taskKind = chatKind): Order {
    const { model } = JSON.parse(body) as { model: string };
    const maxPriceMsat = msat(1_000_000n);
    return makeOrder({ peer: this.provider, version, taskKind, model, input: Buffer.from(body), maxPriceMsat });
  }

  async send(message: Outgoing): Promise<void> {
    const { version } = message;
    const msgId =
      message.kind === 'stream-chunk' ? chunkMsgId(message.streamId, message.seq) : randomBytes(32).toString('hex');
    const expiryS = BigInt(Math.floor(Date.now() / 1000) + this.lifetimeS);
    const whole = { ...message, protocolVersion: version, msgId, expiryS } as Message; // as the session fills it in
    const { type, payload } = encodeMessage(whole);
    await this.node.sendMessage(this.provider, type, payload);
  }

  /** Sends the request and its whole input. */
  async request(order: Order): Promise<void> {
    const { version, jobId, inputStreamId: streamId, input } = order;
    await this.beginRequest(order);
    for (let seq = 0; seq * chunkBytes < input.length; seq++) {
      const data = input.subarray(seq * chunkBytes, (seq + 1) * chunkBytes);
      await this.send({ kind: 'stream-chunk', version, jobId, streamId, seq, data });
    }
    await this.send({
      kind: 'stream-end',
      version,
      jobId,
      streamId,
      totalBytes: BigInt(input.length),
      sha256: order.inputSha256,
    });
  }

  /** Sends the request and announces its input, of `totalBytes`, of which nothing comes yet. */
  async beginRequest(order: Order, totalBytes = BigInt(order.input.length)): Promise<void> {
    const { version, jobId, inputStreamId: streamId, inputSha256: sha256 } = order;
    const types = { contentType: order.inputContentType, contentEncoding: order.inputContentEncoding };
    await this.send({ kind: 'quote-request', version, jobId, taskKind: order.taskKind, params: order.params });
    await this.send({
      kind: 'stream-begin',
      version,
      jobId,
      streamId,
      totalBytes,
      sha256,
      streamKind: 'input',
      ...types,
    });
  }

  /** What came for a job, oldest first. */
  of<K extends Kind>({ jobId, version }: Order, kind: K): Heard<K>[] {
    const isIt = (message: Message): message is Heard<K> =>
      message.kind === kind && message.version === version && 'jobId' in message && message.jobId === jobId;
    return this.heard.filter(isIt);
  }

  /** The `count`th message of its kind for a job. Rejects at once when the job ends in an error message instead. */
  hear<K extends Kind>(order: Order, kind: K, { count = 1, deadlineMs = 20_000 } = {}): Promise<Heard<K>> {
    const giveUp = () => {
      const error = kind === 'error' ? undefined : this.of(order, 'error')[0];
      return error && `error ${error.code}: ${error.message}`;
    };
    return poll(`${kind} of the seller`, deadlineMs, async () => this.of(order, kind)[count - 1], giveUp);
  }

  async quote(order: Order): Promise<Quote> {
    await this.request(order);
    return this.hear(order, 'quote');
  }

  async pay(quote: Quote): Promise<void> {
    await this.#payer.pay({ paymentRequest: quote.paymentRequest, maxFeeMsat, timeoutMs: 30_000 });
  }

  /** Everything up to the payment. */
  async quoteAndPay(order: Order): Promise<Quote> {
    const quote = await this.quote(order);
    await this.pay(quote);
    return quote;
  }

  /** The answer as far as it has come, put together as the specification says: a repeated chunk must be the same chunk. */
  answer(order: Order): { bytes: Buffer; streams: string[]; repeated: number } {
    const begins: StreamBegin[] = this.of(order, 'stream-begin');
    const chunks = new Map<number, Buffer>();
    let repeated = 0;
    for (const { seq, data } of this.of(order, 'stream-chunk')) {
      const known = chunks.get(seq);
      if (known === undefined) {
        if (seq !== chunks.size) throw new Error(`chunk ${seq} came when ${chunks.size} was due`);
        chunks.set(seq, Buffer.from(data));
      } else {
        repeated++;
        if (!known.equals(data)) throw new Error(`chunk ${seq} came again with other bytes`);
      }
    }
    const streams = [...new Set(begins.map(({ streamId }) => streamId))];
    return { bytes: Buffer.concat([...chunks.values()]), streams, repeated };
  }

  /** The result of a job, with the answer before it. */
  async outcome(order: Order, deadlineMs = 30_000): Promise<{ result: Result; bytes: Buffer; repeated: number }> {
    const result = await this.hear(order, 'result', { deadlineMs });
    const { bytes, repeated, streams } = this.answer(order);
    if (streams.length > 1) throw new Error(`the answer came in ${streams.length} streams`);
    return { result, bytes, repeated };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.node.close();
  }
}
