import type { BackendPool } from '../backend/pool.ts';
import type { Counting } from '../estimating/counting.ts';
import { CannotCount } from '../estimating/estimator.ts';
import type { Msat } from '../money/msat.ts';
import { checkRequestInSteps, taskKinds } from '../openai/request.ts';
import type { RequestLimits, TaskKind } from '../openai/request.ts';
import { quotePrice } from '../pricing/price.ts';
import { findPrice } from '../pricing/price-list.ts';
import type { EstimatorChoice, PaymentMode, PriceList } from '../pricing/price-list.ts';
import type { PriceRule } from '../pricing/price-rule.ts';
import type { Availability, Offer, Priced, Refused } from './offer.ts';

export interface PriceOfferOptions {
  readonly pool: BackendPool;
  readonly counting: Pick<Counting, 'count' | 'prepare'>;
  /** For models whose list entry names none. */
  readonly estimators: readonly EstimatorChoice[];
  readonly lists: readonly PriceList[];
  readonly minPriceMsat: Msat;
  /** For models whose list entry names no cap. */
  readonly maxOutputTokens: number;
  readonly maxChoices: number;
  /** For models whose list entry names none. */
  readonly paymentMode: PaymentMode;
  readonly allowed: Pick<RequestLimits, 'allowedFields' | 'allowedToolTypes'>;
  /** What makes prices dearer or cheaper at this moment; asked anew for each quote. */
  readonly rules: () => readonly PriceRule[];
}

const AWAY = 'the backend of this model does not answer at the moment; try again soon';

const UNCOUNTED = 'the input of this model can not be counted at the moment; try again later';

/** Sells what a backend has and a price list names: nothing else, and never for nothing. */
export class PriceOffer implements Offer {
  readonly taskKinds = taskKinds;
  readonly #options: PriceOfferOptions;
  readonly #everOnSale = new Set<string>();

  constructor(options: PriceOfferOptions) {
    this.#options = options;
  }

  models(): readonly string[] {
    const { pool, lists } = this.#options;
    const models = pool.models().flatMap(({ id }) => (findPrice(lists, id) === undefined ? [] : [id]));
    for (const model of models) this.#everOnSale.add(model);
    return models.toSorted();
  }

  /** Finds out by whom the input of each model is counted; again when the models have changed. */
  async prepareCounting(signal: AbortSignal): Promise<void> {
    const { counting, estimators, lists } = this.#options;
    for (const model of this.models())
      await counting.prepare(model, findPrice(lists, model)?.estimators ?? estimators, signal);
  }

  availability(model: string): Availability {
    if (this.models().includes(model)) return 'on sale';
    return this.#everOnSale.has(model) ? 'away' : 'not for sale';
  }

  async price(taskKind: TaskKind, model: string, body: Uint8Array, signal: AbortSignal): Promise<Priced | Refused> {
    const { counting, estimators, lists, minPriceMsat, maxOutputTokens, maxChoices, allowed, paymentMode, rules } =
      this.#options;
    const entry = findPrice(lists, model);
    const availability = this.availability(model);
    if (availability === 'away') return { refusal: 'rate-limited', message: AWAY };
    if (entry === undefined || availability !== 'on sale')
      return { refusal: 'unsupported-task', message: 'this model is not for sale here' };
    const request = await checkRequestInSteps(taskKind, body, model, {
      maxOutputTokens: entry.maxOutputTokens ?? maxOutputTokens,
      maxChoices,
      ...allowed,
    });
    if ('refusal' in request) return request;
    const input = await counting.count(request, entry.estimators ?? estimators, { signal }).catch((error: unknown) => {
      if (error instanceof CannotCount) return undefined;
      throw error;
    });
    if (input === undefined) return { refusal: 'rate-limited', message: UNCOUNTED };
    return {
      work: {
        model,
        stream: request.stream,
        usageWanted: request.usageWanted,
        maxOutputTokensPerChoice: request.maxOutputTokensPerChoice,
        choices: request.choices,
      },
      paymentMode: entry.paymentMode ?? paymentMode,
      breakdown: quotePrice({
        estimator: input.estimator,
        inputTokens: input.tokens,
        counted: input.how,
        maxOutputTokens: request.maxOutputTokens,
        price: entry.price,
        rules: rules(),
        minPriceMsat,
      }),
    };
  }
}
