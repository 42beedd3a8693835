import { sealed } from '../harness/sealed.ts';
import { Requester } from '../../src/buyer/requester.ts';
import type { Bought } from '../../src/buyer/requester.ts';
import { BuyerError } from '../../src/buyer/buyer-error.ts';
import { decodeMessage } from '../../src/protocol/codec.ts';
import type { Message, QuoteRequest, StreamBegin, StreamEnd, Version } from '../../src/protocol/messages.ts';
import { termsHash } from '../../src/protocol/terms.ts';
import { msat } from '../../src/money/msat.ts';
import { Session } from '../../src/session/session.ts';
import { FakeNetwork } from '../harness/fake-network.ts';
import type { FakeNode } from '../harness/fake-node.ts';
import { ManualClock, turn } from '../harness/manual-clock.ts';
import { JSON_TYPE, MODEL } from '../harness/scripted-backend.ts';
import { silentLog } from '../harness/silent-log.ts';
import { until } from '../harness/until.ts';
import { CHAT, chat, hex32, sha256 } from '../harness/wire-buyer.ts';

export const PRICE = msat(50_000n);

export interface QuoteLies {
  priceMsat?: bigint;
  quoteExpiryS?: number;
  termsHash?: string;
  paymentRequest?: string;
  /** What the invoice says, where it differs from the quote. */
  invoice?: { amountMsat?: bigint; descriptionHash?: string; expiresAtS?: number; node?: FakeNode };
}

/** The real requester on a fake node, and a provider spoken by hand, which can lie about everything. */
export class Stall {
  readonly clock = new ManualClock();
  readonly network = new FakeNetwork(this.clock);
  readonly provider = this.network.open('provider');
  readonly buyer = this.network.open('buyer');
  readonly heard: Message[] = [];
  readonly version: Version;
  readonly abort = new AbortController();
  requester!: Requester;

  private constructor(version: Version) {
    this.version = version;
  }

  static async open(version: Version = 2, patienceMs?: number): Promise<Stall> {
    const stall = new Stall(version);
    const { clock, buyer: node, provider, network, heard } = stall;
    const store = { load: () => Promise.resolve([]), save: () => Promise.resolve() };
    const ourManifest = () => ({ maxPayloadBytes: 16_384, maxStreamBytes: 100_000n, maxJobBytes: 200_000n, tasks: [] });
    const session = new Session({ node, clock, log: silentLog, store, ourManifest });
    stall.requester = new Requester({
      session,
      node,
      clock,
      log: silentLog,
      maxAnswerBytes: 100_000,
      maxFeeMsat: msat(0n),
      quoteTimeoutMs: 30_000,
      patienceMs,
      payTimeoutMs: 60_000,
    });
    session.addRole(stall.requester);
    session.listen();
    provider.listen({
      message: (_peer, type, payload) => {
        const message = decodeMessage(type, payload);
        if (message.kind !== 'undecodable' && message.kind !== 'not-ours' && message.kind !== 'manifest')
          heard.push(message);
      },
    });
    await Promise.all([node.start(0n), provider.start(0n)]);
    network.connect(node.nodeId, provider.nodeId);
    await stall.send({
      kind: 'manifest',
      maxPayloadBytes: 1_000,
      maxStreamBytes: 100_000n,
      maxJobBytes: 200_000n,
      tasks: [],
    });
    await until('the manifest is there', () => session.manifestOf(provider.nodeId, version));
    return stall;
  }

  buy(maxPriceMsat = PRICE, input: Uint8Array = chat()): Promise<Bought> {
    const buying = this.requester.buy(
      { peer: this.provider.nodeId, version: this.version, taskKind: CHAT, model: MODEL, input, maxPriceMsat },
      this.abort.signal,
    );
    buying.catch(() => {});
    return buying;
  }

  async send(message: { kind: string; [field: string]: unknown }): Promise<void> {
    const { type, payload } = sealed(this.version, this.clock.nowS(), message);
    await this.provider.sendMessage(this.buyer.nodeId, type, payload);
  }

  /** What the buyer asked, once its input is whole. */
  async request(): Promise<{ request: QuoteRequest; begin: StreamBegin; end: StreamEnd; jobId: string }> {
    const end = await until('the whole request', () =>
      this.heard.find((message): message is StreamEnd => message.kind === 'stream-end'),
    );
    const request = this.heard.find((message): message is QuoteRequest => message.kind === 'quote-request');
    const begin = this.heard.find((message): message is StreamBegin => message.kind === 'stream-begin');
    if (request === undefined || begin === undefined) throw new Error('the end came first');
    return { request, begin, end, jobId: request.jobId };
  }

  /** Quotes as asked, but for the lies. */
  async quote(lies: QuoteLies = {}): Promise<string> {
    const { request, begin, end, jobId } = await this.request();
    const { priceMsat = PRICE, quoteExpiryS = this.clock.nowS() + 300, invoice = {} } = lies;
    const hash = termsHash(this.version, {
      jobId,
      priceMsat,
      quoteExpiryS: BigInt(quoteExpiryS),
      taskKind: request.taskKind,
      ...(request.params === undefined ? {} : { params: request.params }),
      inputSha256: end.sha256,
      inputBytes: end.totalBytes,
      inputContentType: begin.contentType,
      inputContentEncoding: begin.contentEncoding,
    });
    const { paymentRequest } = await (invoice.node ?? this.provider).createInvoice({
      preimage: hex32(),
      descriptionHash: invoice.descriptionHash ?? hash,
      amountMsat: msat(invoice.amountMsat ?? (priceMsat === 0n ? 1n : priceMsat)),
      expiresAtS: invoice.expiresAtS ?? Math.max(quoteExpiryS, this.clock.nowS() + 1),
      hold: false,
    });
    const told = { termsHash: lies.termsHash ?? hash, paymentRequest: lies.paymentRequest ?? paymentRequest };
    await this.send({ kind: 'quote', jobId, priceMsat, quoteExpiryS: BigInt(quoteExpiryS), ...told });
    return jobId;
  }

  /** Sends an answer in these pieces; `lies` alters what the result says of it. */
  async answer(
    jobId: string,
    pieces: readonly string[],
    { streamId = hex32(), isResent = false, lies = {} }: { streamId?: string; isResent?: boolean; lies?: object } = {},
  ): Promise<string> {
    const whole = pieces.join('');
    const stream = { streamId, sha256: sha256(whole), totalBytes: BigInt(whole.length) };
    await this.send({
      kind: 'stream-begin',
      jobId,
      streamId,
      streamKind: 'result',
      contentType: JSON_TYPE,
      contentEncoding: 'identity',
    });
    for (const [seq, piece] of pieces.entries())
      await this.send({ kind: 'stream-chunk', jobId, streamId, seq, data: Buffer.from(piece) });
    await this.send({ kind: 'stream-end', jobId, ...stream });
    if (!isResent)
      await this.send({
        kind: 'result',
        jobId,
        status: 'ok',
        stream: { ...stream, contentType: JSON_TYPE, contentEncoding: 'identity', ...lies },
      });
    return streamId;
  }

  /** The invoices that were paid, over all nodes. */
  get paid(): number {
    return this.provider.account.invoices().filter(({ state }) => state === 'settled').length;
  }

  /** Everything that is on its way arrives. */
  async quiet(): Promise<void> {
    for (let count = 0; count < 10; count++) await turn();
  }
}

export async function failureOf(promise: Promise<unknown>): Promise<BuyerError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof BuyerError) return error;
    throw new Error('rejected with something that is no BuyerError', { cause: error });
  }
  throw new Error('did not fail');
}

export async function textOf(body: AsyncIterable<unknown>): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of body) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}
