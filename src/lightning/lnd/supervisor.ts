import { setTimeout as delay } from 'node:timers/promises';
import { LightningError } from '../lightning.ts';
import type { AnswerStream } from './connection.ts';
import { lightningError } from './lnd-error.ts';

/** What is kept alive: a set of streams that open and end together, for one that ends alone means that events were lost. */
export interface Supervised {
  /** Opens the streams; `ended` is to be told the end of each, whatever the reason. */
  open(ended: (error: unknown) => void): readonly { cancel(): void }[];
  /** Asks lnd what the streams don't tell. The node counts as up when this resolves and no stream has ended. */
  catchUp(): Promise<void>;
  /** Once per life of the streams, after `catchUp`. */
  up(): Promise<void>;
  /** The streams are gone, whether they had been up or not. */
  over(): void;
  /** Once per outage, after `over`. */
  down(reason: string): void;
}

const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 10_000;
/** Streams that lived this long were good ones: the next outage starts with the first delay again. */
const GOOD_AFTER_MS = 10_000;
/** lnd confirms no stream; one that it refuses ends within a round trip. */
const REFUSAL_MS = 50;

/** 250 ms, doubling to 10 s, of which up to a half is taken off by chance: many clients must not come back in step. */
export const backOffMs = (attempt: number, random: () => number = Math.random): number =>
  Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(attempt, 16)) * (1 - random() / 2);

/** Connects a stream's data to `take` until it is cancelled, and its end or error to `ended`. */
export function follow<A>(
  stream: AnswerStream<A>,
  take: (answer: A) => void,
  ended: (error: unknown) => void,
): { cancel(): void } {
  let isOpen = true;
  stream.on('data', (answer) => {
    if (isOpen) take(answer);
  });
  // These listeners stay: a cancelled stream still emits its error, and an error that nobody hears ends the process.
  stream.on('error', (error) => ended(error));
  stream.on('end', () => ended(undefined));
  return {
    cancel: () => {
      isOpen = false;
      stream.cancel();
    },
  };
}

/** Opens the streams again after each end, with back-off, until it is closed. */
export class Supervisor {
  readonly #supervised: Supervised;
  readonly #closing = new AbortController();
  readonly #closed = Promise.withResolvers<'closed'>();
  readonly #first = Promise.withResolvers<void>();
  #running: Promise<void> | undefined;
  #hasBeenUp = false;
  #isToldDown = false;

  constructor(supervised: Supervised) {
    this.#supervised = supervised;
    this.#first.promise.catch(() => undefined);
  }

  /** Resolves once the node is up for the first time; rejects when it refuses us for good, and when closed before. */
  start(): Promise<void> {
    this.#running ??= this.#run();
    return this.#first.promise;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#closed.resolve('closed');
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    for (let attempt = 0; !signal.aborted; attempt++) {
      const begun = performance.now();
      const end = await this.#live();
      this.#supervised.over();
      if (end === 'closed') break;
      // A macaroon does not get better by waiting. After a first success it may: somebody puts the right one back.
      if (end.code === 'permission-denied' && !this.#hasBeenUp) {
        this.#first.reject(end);
        return;
      }
      if (!this.#isToldDown) this.#supervised.down(end.message);
      this.#isToldDown = true;
      if (performance.now() - begun > GOOD_AFTER_MS) attempt = 0;
      await delay(backOffMs(attempt), undefined, { signal }).catch(() => undefined);
    }
    this.#first.reject(new LightningError('unavailable', 'starting: closed before lnd answered'));
  }

  /** One life of the streams: opens them, catches up, and returns why it is over. */
  async #live(): Promise<LightningError | 'closed'> {
    const ended = Promise.withResolvers<LightningError>();
    const over = Promise.race([ended.promise, this.#closed.promise]);
    let streams: readonly { cancel(): void }[] = [];
    try {
      streams = this.#supervised.open((error) => ended.resolve(lightningError(error, 'listening to lnd')));
      const ready = this.#supervised.catchUp().then(() => delay(REFUSAL_MS));
      const early = await Promise.race([over, ready]);
      if (early) return early;
      this.#hasBeenUp = true;
      this.#isToldDown = false;
      await Promise.race([over, this.#supervised.up()]);
      this.#first.resolve();
      return await over;
    } catch (error) {
      return lightningError(error, 'listening to lnd');
    } finally {
      for (const stream of streams) stream.cancel();
    }
  }
}
