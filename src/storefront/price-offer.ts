import type { BackendPool } from '../backend/pool.ts';
import type { Estimator } from '../estimating/estimator.ts';
import type { Msat } from '../money/msat.ts';
import { checkRequestInSteps, taskKinds } from '../openai/request.ts';
import type { RequestLimits, TaskKind } from '../openai/request.ts';
import { amountsOf, currencyOf } from '../pricing/model-price.ts';
import { quotePrice } from '../pricing/price.ts';
import type { EstimatorName, PaymentMode, PriceEntry, PriceList } from '../pricing/price-list.ts';
import type { PriceRule } from '../pricing/price-rule.ts';
import type { Rate } from '../pricing/rate.ts';
import { findSale, salesOf } from '../pricing/sale.ts';
import type { Sale } from '../pricing/sale.ts';
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
  /** What a bitcoin costs at this moment; undefined: nobody knows, and what is priced in a currency is not for sale. */
  readonly rate: () => Rate | undefined;
}

const AWAY = 'this model is not to be had at the moment; try again soon';

/** Sells what a backend has and a price list names: nothing else, and never for nothing. */
export class PriceOffer implements Offer {
  readonly taskKinds = taskKinds;
  readonly #options: PriceOfferOptions;
  readonly #everOnSale = new Set<string>();

  constructor(options: PriceOfferOptions) {
    this.#options = options;
  }

  models(): readonly string[] {
    const models = this.sales().map(({ name }) => name);
    for (const model of models) this.#everOnSale.add(model);
    return models;
  }

  /** What can be had now, by name. */
  sales(): readonly Sale[] {
    const { pool, lists } = this.#options;
    const installed = pool.models().map(({ id }) => id);
    return salesOf(lists, installed).filter(({ entry }) => this.#hasRate(entry));
  }

  /** What backends call a model that buyers name so. */
  backendModel(name: string): string {
    return findSale(this.#options.lists, name)?.backendModel ?? name;
  }

  availability(model: string): Availability {
    if (this.models().includes(model)) return 'on sale';
    return this.#everOnSale.has(model) ? 'away' : 'not for sale';
  }

  async price(taskKind: TaskKind, model: string, body: Uint8Array, signal: AbortSignal): Promise<Priced | Refused> {
    const { estimators, lists, minPriceMsat, maxOutputTokens, maxChoices, allowed, paymentMode, rules } = this.#options;
    const sale = findSale(lists, model);
    const availability = this.availability(model);
    if (availability === 'away') return { refusal: 'rate-limited', message: AWAY };
    if (sale === undefined || availability !== 'on sale')
      return { refusal: 'unsupported-task', message: 'this model is not for sale here' };
    const { entry, backendModel } = sale;
    const request = await checkRequestInSteps(taskKind, body, model, {
      maxOutputTokens: entry.maxOutputTokens ?? maxOutputTokens,
      maxChoices,
      allowImages: amountsOf(entry.price).image !== undefined,
      ...allowed,
    });
    if ('refusal' in request) return request;
    const { images, inputBytes } = request;
    const estimator = estimators[entry.estimator ?? 'bytes'];
    // Images have a price of their own: their bytes are not text.
    const inputTokens = await estimator.estimate({ ...request, inputBytes: inputBytes - images.bytes }, signal);
    const rate = this.#options.rate();
    if (!this.#hasRate(entry)) return { refusal: 'rate-limited', message: AWAY };
    return {
      work: {
        model,
        ...(backendModel !== model && { backendModel }),
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
        images: images.count,
        price: entry.price,
        ...(rate !== undefined && rate.currency === currencyOf(entry.price) && { rate }),
        rules: rules(),
        minPriceMsat,
      }),
    };
  }

  #hasRate({ price }: PriceEntry): boolean {
    const currency = currencyOf(price);
    return currency === undefined || this.#options.rate()?.currency === currency;
  }
}
