import { pino } from 'pino';
import type { BackendPool, PoolMember } from '../../src/backend/pool.ts';
import { createPool } from '../../src/backend/queueing-pool.ts';
import { systemClock } from '../../src/clock/clock.ts';
import type { Counting } from '../../src/estimating/counting.ts';
import { openBackends } from '../../src/node/backends.ts';
import { openCounting } from '../../src/node/counting.ts';
import { answerFilter } from '../../src/openai/answer.ts';
import { checkRequest } from '../../src/openai/request.ts';
import type { TaskKind } from '../../src/openai/request.ts';
import type { AnswerUsage } from '../../src/openai/usage.ts';
import type { PriceBreakdown } from '../../src/pricing/price.ts';
import { createOffer } from '../../src/node/offer.ts';
import type { PriceOffer } from '../../src/storefront/price-offer.ts';
import type { Report as Tell } from '../../test/rig/cache.ts';
import { configOf } from './shop-config.ts';
import type { Upstream } from './shop-config.ts';

const never = new AbortController().signal;

/** Why an estimator can not count is logged for the operator. */
function reasonsTo(tell: Tell) {
  const write = (line: string): void => {
    const { model, estimator, reason } = JSON.parse(line) as Record<string, string | undefined>;
    if (reason !== undefined) tell(`${model}: ${estimator} can not count: ${reason}`);
  };
  return pino({ level: 'warn' }, { write });
}

/** The parts of the product that price and run a request, upon one model: as many offers as there are estimators. */
export class Shop implements AsyncDisposable {
  readonly upstream: Upstream;
  readonly #maxOutputTokens: number;
  readonly #members: readonly PoolMember[];
  readonly #pool: BackendPool;
  readonly #counting: Counting;
  readonly #offers: ReadonlyMap<string, PriceOffer>;

  /** Nothing is connected yet. */
  private constructor(upstream: Upstream, estimators: readonly string[], maxOutputTokens: number, tell: Tell) {
    this.upstream = upstream;
    this.#maxOutputTokens = maxOutputTokens;
    const config = configOf(upstream, 'bytes', maxOutputTokens);
    this.#members = openBackends(config, systemClock);
    const pool = createPool({ members: this.#members, clock: systemClock, maxQueueLength: 1 });
    const counting = openCounting({ backends: config.backends, clock: systemClock, log: reasonsTo(tell) });
    this.#pool = pool;
    this.#counting = counting;
    const offerOf = (estimator: string): PriceOffer => {
      const settings = configOf(upstream, estimator, maxOutputTokens);
      return createOffer({ settings, pool, counting, clock: systemClock, jobsUnderWay: () => 0 }).offer;
    };
    this.#offers = new Map(estimators.map((estimator) => [estimator, offerOf(estimator)]));
  }

  /** Rejects when the model is not there, or an estimator is not known to the configuration. */
  static async open(
    upstream: Upstream,
    estimators: readonly string[],
    maxOutputTokens: number,
    tell: Tell,
  ): Promise<Shop> {
    const shop = new Shop(upstream, estimators, maxOutputTokens, tell);
    try {
      await shop.#pool.start();
      const { model, url } = upstream;
      if (!shop.#pool.models().some(({ id }) => id === model)) throw new Error(`${url} has no model "${model}"`);
      for (const { backend } of shop.#members) await backend.warm?.(model, never);
      await shop.#pool.refresh(); // now its context is known
      for (const offer of shop.#offers.values()) await offer.prepareCounting(never);
      return shop;
    } catch (error) {
      await shop[Symbol.asyncDispose]();
      throw error;
    }
  }

  get estimators(): readonly string[] {
    return [...this.#offers.keys()];
  }

  /** Tokens that prompt and output together may have; undefined when the server does not tell. */
  async contextTokens(): Promise<number | undefined> {
    await this.#pool.refresh();
    return this.#pool.models().find(({ id }) => id === this.upstream.model)?.contextTokens;
  }

  /** What the buyer would be asked, or why it is asked nothing. */
  async quote(
    estimator: string,
    taskKind: TaskKind,
    body: Uint8Array,
  ): Promise<PriceBreakdown | { readonly refusal: string }> {
    const priced = await this.#offers.get(estimator)?.price(taskKind, this.upstream.model, body, never);
    if (priced === undefined) throw new Error(`this shop was opened without the estimator ${estimator}`);
    return 'refusal' in priced ? { refusal: priced.message } : priced.breakdown;
  }

  /** Tells what the backend counted in the end for what was quoted. */
  learn(quote: PriceBreakdown, inputTokens: number): void {
    this.#counting.learn(this.upstream.model, quote, inputTokens);
  }

  /** Runs the request as it is sold, and promises what the backend tells of its use; undefined when it tells nothing. */
  async run(taskKind: TaskKind, body: Uint8Array): Promise<AnswerUsage | undefined> {
    const { model } = this.upstream;
    const request = checkRequest(taskKind, body, model, { maxOutputTokens: this.#maxOutputTokens });
    if ('refusal' in request) throw new Error(request.message);
    const { stream, usageWanted } = request;
    const slot = await this.#pool.acquire(model, never);
    try {
      const cap = slot.backend.outputCapField;
      const sold = { taskKind, model, stream, body: request.upstreamBody({ cap, usage: true }) };
      const answer = await slot.backend.run(sold, never);
      const filter = answerFilter({ taskKind, stream, usageWanted });
      for await (const bytes of answer.body) filter.push(bytes);
      return filter.end().usage;
    } finally {
      slot.release();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#counting.close();
    await this.#pool.close();
  }
}
