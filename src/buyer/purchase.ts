import { PassThrough } from 'node:stream';
import type { Message, Quote, Result, StreamBegin, StreamChunk, StreamEnd } from '../protocol/messages.ts';
import { beginAssembly } from '../protocol/stream-assembly.ts';
import type { AssembledStream, StreamAssembly } from '../protocol/stream-assembly.ts';
import { errorName } from '../protocol/error-code.ts';
import { readRetryHintMs } from '../protocol/retry-hint.ts';
import type { Order } from './order.ts';
import { BuyerError } from './buyer-error.ts';

/** Bytes of an answer with their type; the body errors with BuyerError when the provider fails or what came is not what was announced. */
export interface Answer {
  readonly contentType: string;
  readonly body: PassThrough;
}

/** One job as its buyer sees it: what the provider sends, checked and turned into promises. It sends nothing itself. */
export class Purchase {
  readonly order: Order;
  readonly quote: Promise<Quote>;
  readonly answer: Promise<Answer>;
  /** Resolves when the answer is complete and checked. */
  readonly done: Promise<void>;
  readonly #maxBytes: bigint;
  readonly #body = new PassThrough();
  readonly #quoted = Promise.withResolvers<Quote>();
  readonly #answered = Promise.withResolvers<Answer>();
  readonly #finished = Promise.withResolvers<void>();
  #begin: StreamBegin | undefined;
  #assembly: StreamAssembly | undefined;
  #stream: AssembledStream | undefined;
  #result: Result | undefined;
  #isOver = false;
  #isPaid = false;

  constructor(order: Order, maxBytes: bigint) {
    this.order = order;
    this.#maxBytes = maxBytes;
    this.quote = this.#quoted.promise;
    this.answer = this.#answered.promise;
    this.done = this.#finished.promise;
    // Whoever waits hears of a failure; nobody has to wait for all three.
    for (const promise of [this.quote, this.answer, this.done]) promise.catch(() => {});
    this.#body.on('error', () => {});
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get isPaid(): boolean {
    return this.#isPaid;
  }

  paid(): void {
    this.#isPaid = true;
  }

  message(message: Message): void {
    if (this.#isOver) return;
    if (message.kind === 'quote') this.#quoted.resolve(message);
    else if (message.kind === 'stream-begin' && message.streamKind === 'result') this.#onBegin(message);
    else if (message.kind === 'stream-chunk') this.#onChunk(message);
    else if (message.kind === 'stream-end') this.#onEnd(message);
    else if (message.kind === 'result') this.#onResult(message);
    else if (message.kind === 'error') {
      const name = errorName(message.version, message.code) ?? `code ${message.code}`;
      this.fail(
        new BuyerError('refused', `the provider refused: ${name}${message.message ? `: ${message.message}` : ''}`, {
          providerError: name,
          retryAfterMs: name === 'rate-limited' ? readRetryHintMs(message.message ?? '') : undefined,
          isPaid: this.#isPaid,
        }),
      );
    }
  }

  fail(error: BuyerError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#quoted.reject(error);
    this.#answered.reject(error);
    this.#finished.reject(error);
    this.#body.destroy(error);
  }

  #onBegin(begin: StreamBegin): void {
    if (this.#begin !== undefined) return; // the same stream again after a reconnect: the assembly knows what it has
    const begun = beginAssembly({
      streamId: begin.streamId,
      maxBytes: this.#maxBytes,
      keepBytes: false,
      ...(begin.totalBytes === undefined ? {} : { totalBytes: begin.totalBytes }),
      ...(begin.sha256 === undefined ? {} : { sha256: begin.sha256 }),
    });
    if (!begun.ok) return this.#broken(`its answer: ${begun.error}`);
    this.#begin = begin;
    this.#assembly = begun.assembly;
    this.#answered.resolve({ contentType: begin.contentType, body: this.#body });
  }

  #onChunk(chunk: StreamChunk): void {
    if (this.#assembly?.streamId !== chunk.streamId) return;
    const taken = this.#assembly.chunk(chunk.seq, chunk.data);
    if (taken.ok)
      this.#body.write(Buffer.from(chunk.data)); // a copy: the view is the network's
    else if (taken.error !== 'duplicate') this.#broken(`chunk ${chunk.seq}: ${taken.error}`);
  }

  #onEnd(end: StreamEnd): void {
    if (this.#assembly?.streamId !== end.streamId || this.#stream !== undefined) return;
    const ended = this.#assembly.end(end.totalBytes, end.sha256);
    if (!ended.ok) return this.#broken(`the end of its answer: ${ended.error}`);
    this.#stream = ended;
    this.#conclude();
  }

  #onResult(result: Result): void {
    if (result.status !== 'ok') {
      const text = `the provider says ${result.status}${result.message ? `: ${result.message}` : ''}`;
      return this.fail(
        new BuyerError(result.status === 'cancelled' ? 'cancelled' : 'failed', text, { isPaid: this.#isPaid }),
      );
    }
    this.#result = result;
    this.#conclude();
  }

  /** Done once stream and result are there and agree. */
  #conclude(): void {
    if (this.#stream === undefined || this.#result === undefined || this.#begin === undefined) return;
    const { stream } = this.#result;
    const agrees =
      stream?.streamId === this.#begin.streamId &&
      stream.sha256 === this.#stream.sha256 &&
      stream.totalBytes === this.#stream.totalBytes &&
      stream.contentType === this.#begin.contentType;
    if (!agrees) return this.#broken('its result describes another answer');
    this.#isOver = true;
    this.#body.end();
    this.#finished.resolve();
  }

  #broken(what: string): void {
    this.fail(
      new BuyerError('failed', `the provider sent something else than it announced: ${what}`, { isPaid: this.#isPaid }),
    );
  }
}
