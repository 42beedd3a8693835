import type { BackendPool } from '../backend/pool.ts';
import type { Estimator } from '../estimating/estimator.ts';
import type { Msat } from '../money/msat.ts';
import { checkRequestInSteps, taskKinds } from '../openai/request.ts';
import type { RequestLimits, TaskKind } from '../openai/request.ts';
import { quotePrice } from '../pricing/price.ts';
import { findPrice } from '../pricing/price-list.ts';
import type { EstimatorName, PaymentMode, PriceList } from '../pricing/price-list.ts';
import type { PriceRule } from '../pricing/price-rule.ts';
import type { Availability, Offer, Priced, Refused } from './offer.ts';

export interface PriceOfferOptions {
  readonly pool: BackendPool;
  readonly estimators: Readonly<Record<EstimatorName, Estimator>>;
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

  availability(model: string): Availability {
    if (this.models().includes(model)) return 'on sale';
    return this.#everOnSale.has(model) ? 'away' : 'not for sale';
  }

  async price(taskKind: TaskKind, model: string, body: Uint8Array, signal: AbortSignal): Promise<Priced | Refused> {
    const { estimators, lists, minPriceMsat, maxOutputTokens, maxChoices, allowed, paymentMode, rules } = this.#options;
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
    const estimator = estimators[entry.estimator ?? 'bytes'];
    const inputTokens = await estimator.estimate(request, signal);
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
        estimator: estimator.name,
        inputTokens,
        maxOutputTokens: request.maxOutputTokens,
        price: entry.price,
        rules: rules(),
        minPriceMsat,
      }),
    };
  }
}
