import { pino } from 'pino';
import type { BackendPool } from '../../src/backend/pool.ts';
import { createOllamaBackend } from '../../src/backend/ollama.ts';
import { createPool } from '../../src/backend/queueing-pool.ts';
import { systemClock } from '../../src/clock/clock.ts';
import type { Counting } from '../../src/estimating/counting.ts';
import { msat } from '../../src/money/msat.ts';
import { openCounting } from '../../src/node/estimators.ts';
import { answerFilter } from '../../src/openai/answer.ts';
import type { TaskKind } from '../../src/openai/checked-request.ts';
import { checkRequest } from '../../src/openai/request.ts';
import type { AnswerUsage } from '../../src/openai/usage.ts';
import type { PriceBreakdown } from '../../src/pricing/price.ts';
import type { EstimatorChoice, TokenPrice } from '../../src/pricing/price-list.ts';
import { PriceOffer } from '../../src/storefront/price-offer.ts';

/** Every way to count that needs no figure of the operator; this does not compile when one is missing. */
const choices = {
  bytes: { name: 'bytes' },
  openai: { name: 'openai' },
} as const satisfies Record<Exclude<EstimatorChoice['name'], 'fixed'>, EstimatorChoice>;

export type CountedBy = keyof typeof choices;

export const estimatorNames = Object.keys(choices) as readonly CountedBy[];

/** Figures that round badly: a wrong token or a wrong rounding shows. */
export const price = {
  inputMsatPerMtok: msat(1_234_567n),
  outputMsatPerMtok: msat(3_456_789n),
  requestMsat: msat(321n),
} as const satisfies TokenPrice;

const never = new AbortController().signal;
const log = pino({ level: 'silent' });
const TIMEOUT_MS = 300_000;

/** The parts of the product that price and run a request, upon one model of an Ollama: one shop for each estimator. */
export class Shop implements AsyncDisposable {
  readonly model: string;
  readonly #maxOutputTokens: number;
  readonly #pool: BackendPool;
  readonly #counting: Counting;
  readonly #offers: Readonly<Record<CountedBy, PriceOffer>>;

  private constructor(model: string, maxOutputTokens: number, pool: BackendPool) {
    this.model = model;
    this.#maxOutputTokens = maxOutputTokens;
    this.#pool = pool;
    this.#counting = openCounting({ clock: systemClock, log });
    const offer = (choice: EstimatorChoice): PriceOffer =>
      new PriceOffer({
        pool,
        counting: this.#counting,
        estimators: [choice],
        lists: [{ file: 'this benchmark', entries: [{ pattern: '*', price }] }],
        minPriceMsat: msat(1n),
        maxOutputTokens,
        maxChoices: 1,
        paymentMode: 'upfront',
        allowed: {},
        rules: () => [],
      });
    this.#offers = { bytes: offer(choices.bytes), openai: offer(choices.openai) };
  }

  /** `url` is the root of the Ollama. Rejects when it has no such model. */
  static async at(url: string, model: string, maxOutputTokens: number): Promise<Shop> {
    const limits = { firstByteTimeoutMs: TIMEOUT_MS, idleTimeoutMs: TIMEOUT_MS };
    const backend = createOllamaBackend({ name: 'ollama', url, clock: systemClock, ...limits });
    const members = [{ backend, slots: 1, models: [model] }];
    const pool = createPool({ members, clock: systemClock, maxQueueLength: 1 });
    await pool.start();
    const shop = new Shop(model, maxOutputTokens, pool);
    try {
      if (!pool.models().some(({ id }) => id === model)) throw new Error(`${url} has no model "${model}" to sell`);
      for (const name of estimatorNames) await shop.#offers[name].prepareCounting(never);
      return shop;
    } catch (error) {
      await shop[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Tokens that prompt and output together may have; undefined when the server does not tell. */
  async contextTokens(): Promise<number | undefined> {
    await this.#pool.refresh();
    return this.#pool.models().find(({ id }) => id === this.model)?.contextTokens;
  }

  /** What the buyer would be asked, or why it is asked nothing. */
  async quote(name: CountedBy, taskKind: TaskKind, body: Uint8Array): Promise<PriceBreakdown | { refusal: string }> {
    const priced = await this.#offers[name].price(taskKind, this.model, body, never);
    return 'refusal' in priced ? { refusal: priced.message } : priced.breakdown;
  }

  /** Tells what the backend counted in the end for what was quoted. */
  learn(quote: PriceBreakdown, inputTokens: number): void {
    this.#counting.learn(this.model, quote, inputTokens);
  }

  /** Runs the request as it is sold, and promises what the backend tells of its use; undefined when it tells nothing. */
  async run(taskKind: TaskKind, body: Uint8Array): Promise<AnswerUsage | undefined> {
    const request = checkRequest(taskKind, body, this.model, { maxOutputTokens: this.#maxOutputTokens });
    if ('refusal' in request) throw new Error(request.message);
    const { stream, usageWanted } = request;
    const slot = await this.#pool.acquire(this.model, never);
    try {
      const { outputCapField: cap } = slot.backend;
      const upstream = { taskKind, model: this.model, stream, body: request.upstreamBody({ cap, usage: true }) };
      const answer = await slot.backend.run(upstream, never);
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
