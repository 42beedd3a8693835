import { createHash } from 'node:crypto';
import { decodeMessage } from '../../src/protocol/codec.ts';
import { messageType } from '../../src/protocol/message-type.ts';
import type { Message, StreamChunk } from '../../src/protocol/messages.ts';
import type { Books } from './books.ts';
import type { BackendRun, Sale } from './sale.ts';
import type { SimAccount } from './sim-account.ts';
import type { World } from './world.ts';

const CHUNKS = new Set([messageType(2, 'stream-chunk'), messageType(3, 'stream-chunk')]);

export const LAWS = {
  unpaid: 'who did not pay gets no byte',
  unsaved: 'no byte leaves before it is saved that output began',
  secondRun: 'no attempt begins after a byte may have left',
  twoRuns: 'one attempt at a time',
  freeWork: 'no work without a payment',
  chunks: 'a redelivery has the same chunks',
  oneAnswer: 'one payment, one answer',
  oneQuote: 'a job has one quote',
  dead: 'nobody can pay for what was cancelled',
} as const;

/** Sees everything, and says at once when a law is broken. What can only be judged at the end is for `judge`. */
export class Witness {
  readonly sales: Sale[] = [];
  readonly #world: World;
  readonly #books: Books;
  readonly #account: SimAccount;
  readonly #byKey = new Map<string, Sale>();
  readonly #byLabel = new Map<string, Sale>();

  constructor(world: World, books: Books, account: SimAccount) {
    this.#world = world;
    this.#books = books;
    this.#account = account;
  }

  add(sale: Sale): void {
    this.sales.push(sale);
    this.#byKey.set(sale.key, sale);
    this.#byLabel.set(sale.label, sale);
  }

  labelOf(key: string): string {
    return this.#byKey.get(key)?.label ?? 'unknown job';
  }

  saleOf(body: Uint8Array): Sale {
    const label = /sale (\w+)/.exec(Buffer.from(body).toString('latin1'))?.[1] ?? '';
    const sale = this.#byLabel.get(label);
    if (sale === undefined) throw new Error('a backend was asked for what no buyer ordered');
    return sale;
  }

  /** The node took a message from the seller. The law is on the bytes of answers: each delivery begins with chunk 0. */
  sent(peer: string, type: number, payload: Uint8Array): void {
    if (!CHUNKS.has(type)) return;
    const message = decodeMessage(type, payload) as StreamChunk;
    const sale = this.#byKey.get(`${peer}/${message.version}/${message.jobId}`);
    if (sale === undefined || (sale.hasLeft && message.seq > 0)) return;
    sale.hasLeft = true;
    const job = this.#books.job(sale.key);
    const isSaved = job?.streamId === message.streamId && ['producing', 'ended', 'failed'].includes(job.run);
    if (!isSaved) this.#world.violate(LAWS.unsaved, sale.label);
    const invoice = this.#account.invoice(job?.paymentHash ?? '');
    if (invoice?.state.state !== 'settled') this.#world.violate(LAWS.unpaid, sale.label);
  }

  /** A backend was asked. */
  runBegins(sale: Sale, run: BackendRun): void {
    if (sale.hasLeft) this.#world.violate(LAWS.secondRun, sale.label);
    if (sale.runs.some(({ isOpen, life }) => isOpen && life === run.life))
      this.#world.violate(LAWS.twoRuns, sale.label);
    const hash = this.#books.job(sale.key)?.paymentHash ?? '';
    const state = this.#account.invoice(hash)?.state.state;
    // A held payment that the node gave back a moment ago is no fault of the seller's.
    const isCovered = state === 'settled' || this.#account.invoice(hash)?.isHold === true;
    if (!isCovered) this.#world.violate(LAWS.freeWork, sale.label);
    sale.runs.push(run);
  }

  /** A message reached its buyer. */
  heard(sale: Sale, message: Message): void {
    const violate = (law: string, text: string): void => this.#world.violate(law, text);
    if (message.kind === 'quote') {
      const [first] = sale.quotes;
      if (first !== undefined && first.paymentRequest !== message.paymentRequest) violate(LAWS.oneQuote, sale.label);
      sale.quotes.push(message);
    }
    if (message.kind === 'stream-begin') {
      sale.streamIds.add(message.streamId);
      if (sale.streamIds.size > 1) violate(LAWS.oneAnswer, `${sale.label} began two streams`);
      if (sale.isTorn) sale.chunks.clear();
    }
    if (message.kind === 'stream-chunk') {
      const text = Buffer.from(message.data).toString('latin1');
      const known = sale.chunks.get(message.seq);
      // The end of an answer that broke follows what is left of it on disk, which may be less than what had left from memory.
      const isBrokenEnd = text.includes('server_is_overloaded');
      if (known !== undefined && known !== text && !sale.isTorn && !isBrokenEnd)
        violate(
          LAWS.chunks,
          `${sale.label}, chunk ${message.seq}: ${known.length} bytes, then ${text.length} or others`,
        );
      if (known === undefined) sale.chunks.set(message.seq, text);
    }
    if (message.kind === 'result') {
      const [first] = sale.results;
      if (first !== undefined && first.status !== message.status)
        violate(LAWS.oneAnswer, `${sale.label}: result ${first.status}, then ${message.status}`);
      sale.results.push(message);
      const text = sale.received();
      if (message.status === 'ok' && sha256(text) === message.stream?.sha256) sale.answer ??= text;
      const paymentHash = this.#books.job(sale.key)?.paymentHash ?? '';
      if (this.#account.invoice(paymentHash)?.state.state === 'open') violate(LAWS.dead, sale.label);
    }
    if (message.kind === 'error') sale.errors++;
  }
}

export const sha256 = (text: string): string => createHash('sha256').update(Buffer.from(text, 'latin1')).digest('hex');
