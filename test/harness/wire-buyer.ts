import { sealed } from './sealed.ts';
import { createHash, randomBytes } from 'node:crypto';
import { decodeMessage } from '../../src/protocol/codec.ts';
import type {
  Kind,
  Manifest,
  Message,
  Quote,
  Result,
  StreamBegin,
  StreamChunk,
  Version,
} from '../../src/protocol/messages.ts';
import { encodeModelParams } from '../../src/protocol/params.ts';
import type { PaidInvoice } from '../../src/lightning/lightning.ts';
import { msat } from '../../src/money/msat.ts';
import type { FakeNetwork } from './fake-network.ts';
import type { FakeNode } from './fake-node.ts';
import type { ManualClock } from './manual-clock.ts';
import { JSON_TYPE, MODEL } from './scripted-backend.ts';
import { until } from './until.ts';

export const hex32 = (): string => randomBytes(32).toString('hex');
export const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');
export const CHAT = 'openai.chat_completions.v1';

/** The body of a chat request. */
export const chat = (fields: Readonly<Record<string, unknown>> = {}): Buffer =>
  Buffer.from(
    JSON.stringify({
      model: MODEL,
      messages: [{ role: 'user', content: 'the prompt, which is a secret' }],
      max_tokens: 50,
      ...fields,
    }),
  );

type Of<K extends Kind> = Extract<Message, { kind: K }>;

/** What a stream has before a test alters it. */
export interface InputFields {
  streamId?: string;
  totalBytes?: bigint;
  sha256?: string;
  contentType?: string;
  contentEncoding?: string;
  chunkBytes?: number;
}

/** A buyer that speaks the protocol by hand: it can say anything, in any order, and keeps all that it hears. */
export class WireBuyer {
  readonly node: FakeNode;
  readonly version: Version;
  readonly heard: Message[] = [];
  readonly #seller: string;
  readonly #clock: ManualClock;

  private constructor(network: FakeNetwork, clock: ManualClock, version: Version, name: string) {
    this.node = network.open(name);
    this.version = version;
    this.#clock = clock;
    this.#seller = network.account('seller').nodeId;
    this.node.listen({ message: (_peer, type, payload) => this.#hear(type, payload) });
  }

  static async open(network: FakeNetwork, clock: ManualClock, version: Version, name = 'buyer'): Promise<WireBuyer> {
    const buyer = new WireBuyer(network, clock, version, name);
    await buyer.node.start(0n);
    return buyer;
  }

  /** Sends bytes as they are. */
  raw(type: number, payload: Uint8Array): Promise<void> {
    return this.node.sendMessage(this.#seller, type, payload);
  }

  /** Sends a message; what is not given is filled in as it should be. */
  async send(message: { kind: Kind; [field: string]: unknown }): Promise<void> {
    const { type, payload } = sealed(this.version, this.#clock.nowS(), message);
    await this.raw(type, payload);
  }

  manifest(fields: Partial<Manifest> = {}): Promise<void> {
    return this.send({
      kind: 'manifest',
      maxPayloadBytes: 16_384,
      maxStreamBytes: 10_000_000n,
      maxJobBytes: 20_000_000n,
      tasks: [],
      ...fields,
    });
  }

  async request(jobId: string, fields: Readonly<Record<string, unknown>> = {}): Promise<void> {
    await this.send({ kind: 'quote-request', jobId, taskKind: CHAT, params: encodeModelParams(MODEL), ...fields });
  }

  begin(
    jobId: string,
    body: Uint8Array,
    { streamId = hex32(), chunkBytes: _chunkBytes, ...fields }: InputFields = {},
  ): Promise<void> {
    return this.send({
      kind: 'stream-begin',
      jobId,
      streamId,
      streamKind: 'input',
      totalBytes: BigInt(body.length),
      sha256: sha256(body),
      contentType: JSON_TYPE,
      contentEncoding: 'identity',
      ...fields,
    });
  }

  chunk(jobId: string, streamId: string, seq: number, data: Uint8Array): Promise<void> {
    return this.send({ kind: 'stream-chunk', jobId, streamId, seq, data });
  }

  end(
    jobId: string,
    streamId: string,
    body: Uint8Array,
    fields: { totalBytes?: bigint; sha256?: string } = {},
  ): Promise<void> {
    return this.send({
      kind: 'stream-end',
      jobId,
      streamId,
      totalBytes: BigInt(body.length),
      sha256: sha256(body),
      ...fields,
    });
  }

  /** Begin, chunks and end. */
  async input(jobId: string, body: Uint8Array, fields: InputFields = {}): Promise<string> {
    const { streamId = hex32(), chunkBytes = 8192 } = fields;
    await this.begin(jobId, body, { ...fields, streamId });
    for (let seq = 0; seq * chunkBytes < body.length; seq++)
      await this.chunk(jobId, streamId, seq, body.subarray(seq * chunkBytes, (seq + 1) * chunkBytes));
    await this.end(jobId, streamId, body);
    return streamId;
  }

  /** A whole request, up to its quote. */
  async order(
    body: Uint8Array = chat(),
    jobId = hex32(),
    fields: Readonly<Record<string, unknown>> = {},
  ): Promise<Quote> {
    await this.request(jobId, fields);
    await this.input(jobId, body);
    return this.hear('quote', jobId);
  }

  pay(quote: Quote): Promise<PaidInvoice> {
    return this.node.pay({ paymentRequest: quote.paymentRequest, maxFeeMsat: msat(0n), timeoutMs: 60_000 });
  }

  cancel(jobId: string): Promise<void> {
    return this.send({ kind: 'cancel', jobId });
  }

  /** All messages about a job, or those of one kind. */
  about(jobId: string): Message[] {
    return this.heard.filter((message) => message.kind !== 'manifest' && message.jobId === jobId);
  }

  all<K extends Kind>(kind: K, jobId: string): Of<K>[] {
    return this.about(jobId).filter((message): message is Of<K> => message.kind === kind);
  }

  /** The `count`-th message of a kind about a job, once it is there. */
  async hear<K extends Kind>(kind: K, jobId: string, count = 1): Promise<Of<K>> {
    return until(
      `${kind} number ${count} for the buyer, who heard ${this.about(jobId)
        .map((message) => message.kind)
        .join()}`,
      () => this.all(kind, jobId)[count - 1],
    );
  }

  result(jobId: string, count = 1): Promise<Result> {
    return this.hear('result', jobId, count);
  }

  /** The code of the one error that a job got. */
  async errorCode(jobId: string): Promise<number> {
    return (await this.hear('error', jobId)).code;
  }

  /** What was delivered for a job by its `attempt`-th delivery: every begin starts one. */
  delivery(jobId: string, attempt = 1): { begin: StreamBegin; chunks: StreamChunk[]; bytes: Buffer } {
    const messages = this.about(jobId);
    const begins = messages.flatMap((message, index) => (message.kind === 'stream-begin' ? [index] : []));
    const from = begins[attempt - 1] ?? messages.length;
    const own = messages.slice(from, begins[attempt] ?? messages.length);
    const chunks = own.filter((message): message is StreamChunk => message.kind === 'stream-chunk');
    const begin = own[0];
    if (begin?.kind !== 'stream-begin') throw new Error(`no delivery number ${attempt}`);
    return { begin, chunks, bytes: Buffer.concat(chunks.map(({ data }) => data)) };
  }

  /** Resolves when the seller has dealt with all that was sent before: a stray stream is always refused. */
  async settled(): Promise<void> {
    const jobId = hex32();
    await this.begin(jobId, chat());
    await this.hear('error', jobId);
  }

  #hear(type: number, payload: Uint8Array): void {
    const message = decodeMessage(type, payload);
    if (message.kind === 'undecodable' || message.kind === 'not-ours')
      throw new Error(`the seller sent what is ${message.kind}`);
    if (message.version === this.version) this.heard.push(message);
  }
}
