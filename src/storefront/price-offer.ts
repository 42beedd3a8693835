import type { BackendPool, PoolModel } from '../backend/pool.ts';
import type { Counting } from '../estimating/counting.ts';
import { CannotCount } from '../estimating/estimator.ts';
import type { Msat } from '../money/msat.ts';
import { checkRequestInSteps, hasOutput, taskKinds } from '../openai/request.ts';
import type { CheckedRequest, RequestLimits, TaskKind } from '../openai/request.ts';
import { currencyOf } from '../pricing/model-price.ts';
import { quotePrice } from '../pricing/price.ts';
import type { EstimatorChoice, PaymentMode, PriceEntry, PriceList } from '../pricing/price-list.ts';
import type { PriceRule } from '../pricing/price-rule.ts';
import type { Rate } from '../pricing/rate.ts';
import { findSale, salesOf } from '../pricing/sale.ts';
import { outputRoom } from './context-room.ts';
import type { Availability, Offer, Priced, Refused } from './offer.ts';
import { kindsOf, whyNoImages } from './what-models-do.ts';

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
  /** What a bitcoin costs at this moment; undefined: nobody knows, and what is priced in a currency is not for sale. */
  readonly rate: () => Rate | undefined;
}

const AWAY = 'this model is not to be had at the moment; try again soon';

const UNCOUNTED = 'the input of this model can not be counted at the moment; try again later';

/** Sells what a backend has and a price list names: nothing else, and never for nothing. */
export class PriceOffer implements Offer {
  readonly taskKinds = taskKinds;
  readonly #options: PriceOfferOptions;
  /** What models were sold for when they were last there. */
  readonly #everOnSale = new Map<string, readonly TaskKind[]>();

  constructor(options: PriceOfferOptions) {
    this.#options = options;
  }

  models(taskKind?: TaskKind): readonly string[] {
    const onSale = [...this.#kindsByName()];
    return onSale.flatMap(([name, can]) => (taskKind === undefined || can.includes(taskKind) ? [name] : []));
  }

  /** What backends call a model that buyers name so. */
  backendModel(name: string): string {
    return findSale(this.#options.lists, name)?.backendModel ?? name;
  }

  /** Finds out by whom the input of each model is counted; again when the models have changed. */
  async prepareCounting(signal: AbortSignal): Promise<void> {
    const { counting, estimators, lists } = this.#options;
    const onSale = this.models().map((name) => findSale(lists, name));
    const entries = new Map(onSale.flatMap((sale) => (sale === undefined ? [] : [[sale.backendModel, sale.entry]])));
    for (const [model, entry] of entries) await counting.prepare(model, entry.estimators ?? estimators, signal);
  }

  availability(taskKind: TaskKind, model: string): Availability {
    const now = this.#kindsByName().get(model);
    const can = now ?? (this.#isMissed(model) ? this.#everOnSale.get(model) : undefined);
    if (can === undefined) return 'not for sale';
    if (!can.includes(taskKind)) return 'for other work';
    return now === undefined ? 'away' : 'on sale';
  }

  async price(taskKind: TaskKind, model: string, body: Uint8Array, signal: AbortSignal): Promise<Priced | Refused> {
    const { pool, counting, lists, estimators, allowed, rules, ...defaults } = this.#options;
    const sale = findSale(lists, model);
    const availability = this.availability(taskKind, model);
    if (availability === 'away') return { refusal: 'rate-limited', message: AWAY };
    const told = pool.models().find(({ id }) => id === sale?.backendModel);
    if (sale === undefined || told === undefined || availability !== 'on sale')
      return { refusal: 'unsupported-task', message: 'this model is not for sale here, or not for this work' };
    const { entry, backendModel } = sale;
    const noImages = whyNoImages(told, entry);
    const request = await checkRequestInSteps(taskKind, body, model, {
      maxOutputTokens: entry.maxOutputTokens ?? defaults.maxOutputTokens,
      maxChoices: defaults.maxChoices,
      allowImages: noImages === undefined,
      ...(noImages !== undefined && { whyNoImages: noImages }),
      ...allowed,
    });
    if ('refusal' in request) return request;
    const { images } = request;
    // As the backend knows it; images have a price of their own: their bytes are no text.
    const asked: CheckedRequest = {
      ...request,
      model: backendModel,
      inputBytes: request.inputBytes - images.bytes,
      upstreamBody: (fill) => request.upstreamBody({ ...fill, model: backendModel }),
    };
    const contextTokens = contextOf(told, entry);
    const isLimited = contextTokens !== undefined && hasOutput(taskKind); // several texts without output have it each
    const options = { signal, ...(isLimited && { limitTokens: contextTokens }) };
    const input = await counting.count(asked, entry.estimators ?? estimators, options).catch((error: unknown) => {
      if (error instanceof CannotCount) return undefined;
      throw error;
    });
    if (input === undefined) return { refusal: 'rate-limited', message: UNCOUNTED };
    const outputTokens = outputRoom(request, input, contextTokens);
    if (typeof outputTokens !== 'number') return outputTokens;
    const currency = currencyOf(entry.price);
    const rate = currency === undefined ? undefined : this.#rateOf(currency);
    if (currency !== undefined && rate === undefined) return { refusal: 'rate-limited', message: AWAY };
    return {
      work: {
        model,
        ...(backendModel !== model && { backendModel }),
        stream: request.stream,
        usageWanted: request.usageWanted,
        maxOutputTokensPerChoice: outputTokens,
        choices: request.choices,
      },
      paymentMode: entry.paymentMode ?? defaults.paymentMode,
      breakdown: quotePrice({
        estimator: input.estimator,
        inputTokens: input.tokens,
        counted: input.how,
        maxOutputTokens: outputTokens * request.choices,
        images: images.count,
        price: entry.price,
        ...(rate && { rate }),
        rules: rules(),
        minPriceMsat: defaults.minPriceMsat,
      }),
    };
  }

  /** Its backend is away, or the rate of its currency; what was deleted, or has no price any more, is not missed. */
  #isMissed(name: string): boolean {
    const { pool, lists } = this.#options;
    const sale = findSale(lists, name);
    if (sale === undefined) return false;
    return pool.isAway(sale.backendModel) || pool.models().some(({ id }) => id === sale.backendModel);
  }

  #rateOf(currency: string): Rate | undefined {
    const rate = this.#options.rate();
    return rate?.currency === currency ? rate : undefined;
  }

  /** What can be had now, by name, sorted. */
  #kindsByName(): ReadonlyMap<string, readonly TaskKind[]> {
    const { pool, lists } = this.#options;
    const installed = new Map(pool.models().map((model) => [model.id, model]));
    const onSale = new Map<string, readonly TaskKind[]>();
    for (const { name, backendModel, entry } of salesOf(lists, [...installed.keys()])) {
      const model = installed.get(backendModel);
      const currency = currencyOf(entry.price);
      if (model === undefined || (currency !== undefined && this.#rateOf(currency) === undefined)) continue;
      const can = kindsOf(model, entry);
      if (can.length > 0) onSale.set(name, can);
    }
    for (const [name, can] of onSale) this.#everOnSale.set(name, can);
    return onSale;
  }
}

/** What the backend tells and what the operator says: the smaller one is sure. */
function contextOf({ contextTokens }: PoolModel, entry: PriceEntry): number | undefined {
  const known = [contextTokens, entry.contextTokens].filter((tokens) => tokens !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}
