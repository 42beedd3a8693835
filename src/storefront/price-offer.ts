import type { BackendPool, PoolModel } from '../backend/pool.ts';
import type { Counting } from '../estimating/counting.ts';
import { CannotCount, CountersBusy } from '../estimating/estimator.ts';
import type { Msat } from '../money/msat.ts';
import type { ImageTokens } from '../openai/image.ts';
import { checkRequestInSteps, hasOutput, taskKinds } from '../openai/request.ts';
import type { CheckedRequest, RequestLimits, TaskKind } from '../openai/request.ts';
import { currencyOf } from '../pricing/model-price.ts';
import { quotePrice } from '../pricing/price.ts';
import type { EstimatorChoice, PaymentMode, PriceEntry, PriceList } from '../pricing/price-list.ts';
import type { PriceRule } from '../pricing/price-rule.ts';
import type { Rate } from '../pricing/rate.ts';
import type { Sale } from '../pricing/sale.ts';
import { retryHint } from '../protocol/retry-hint.ts';
import { outputRoom } from './context-room.ts';
import type { Availability, Offer, Priced, Refused } from './offer.ts';
import { Shelf } from './shelf.ts';
import { whyNoImages } from './what-models-do.ts';

/** What the owner asks. */
export interface Prices {
  readonly lists: readonly PriceList[];
  /** For models whose list entry names none. */
  readonly estimators: readonly EstimatorChoice[];
  readonly minPriceMsat: Msat;
  /** For models whose list entry names no cap. */
  readonly maxOutputTokens: number;
  /** For models whose list entry names none. */
  readonly paymentMode: PaymentMode;
  /** What makes prices dearer or cheaper at this moment; asked anew for each quote. */
  readonly rules: () => readonly PriceRule[];
}

export interface PriceOfferOptions {
  readonly pool: BackendPool;
  readonly counting: Pick<Counting, 'count' | 'prepare' | 'canCount'>;
  /** Asked anew for each request: the owner may change them while the program runs. */
  readonly prices: () => Prices;
  readonly maxChoices: number;
  readonly allowed: Pick<RequestLimits, 'allowedFields' | 'allowedToolTypes'>;
  /** What a bitcoin costs at this moment; undefined: nobody knows, and what is priced in a currency is not for sale. */
  readonly rate: () => Rate | undefined;
}

const AWAY = 'this model is not to be had at the moment; try again soon';

const UNCOUNTED = 'the input of this model can not be counted at the moment; try again later';

const BUSY = `too many requests are being counted; ${retryHint(3_000)}`;

/** Sells what a backend has and a price list names: nothing else, and never for nothing. */
export class PriceOffer implements Offer {
  readonly taskKinds = taskKinds;
  readonly #options: PriceOfferOptions;
  readonly #shelf: Shelf;

  constructor(options: PriceOfferOptions) {
    this.#options = options;
    const { pool, rate, prices, counting } = options;
    this.#shelf = new Shelf({
      pool,
      rate,
      lists: () => prices().lists,
      canCount: (taskKind, sale) => counting.canCount({ model: sale.backendModel, taskKind }, this.#estimatorsOf(sale)),
    });
  }

  models(taskKind?: TaskKind): readonly string[] {
    const onSale = [...this.#shelf.kindsByName()];
    return onSale.flatMap(([name, can]) => (taskKind === undefined || can.includes(taskKind) ? [name] : []));
  }

  backendModel(name: string): string {
    return this.#shelf.backendModel(name);
  }

  availability(taskKind: TaskKind, model: string): Availability {
    return this.#shelf.availability(taskKind, model);
  }

  /** Finds out by whom the input of each model is counted: what nobody can count is not for sale. Again when the models or the prices have changed. */
  async prepareCounting(signal: AbortSignal): Promise<void> {
    const wanted = new Map(this.#shelf.salesToCount().map((one) => [one.sale.backendModel, one])); // a model may be sold under several names
    for (const [model, { sale, taskKinds }] of wanted)
      await this.#options.counting.prepare(model, taskKinds, this.#estimatorsOf(sale), signal);
  }

  async price(taskKind: TaskKind, model: string, body: Uint8Array, signal: AbortSignal): Promise<Priced | Refused> {
    const { counting, allowed, maxChoices } = this.#options;
    const { rules, ...defaults } = this.#options.prices();
    const availability = this.availability(taskKind, model);
    if (availability === 'away') return { refusal: 'rate-limited', message: AWAY };
    const found = this.#shelf.find(model);
    if (found === undefined || availability !== 'on sale')
      return { refusal: 'unsupported-task', message: 'this model is not for sale here, or not for this work' };
    const { told, sale } = found;
    const { entry, backendModel } = sale;
    const estimators = this.#estimatorsOf(sale);
    const noImages = whyNoImages(told, entry);
    const request = await checkRequestInSteps(taskKind, body, model, {
      maxOutputTokens: entry.maxOutputTokens ?? defaults.maxOutputTokens,
      maxChoices,
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
    const input = await counting.count(asked, estimators, options).catch((error: unknown) => {
      if (error instanceof CannotCount) return UNCOUNTED;
      if (error instanceof CountersBusy) return BUSY;
      throw error;
    });
    if (typeof input === 'string') return { refusal: 'rate-limited', message: input };
    const outputTokens = outputRoom(request, input, contextTokens, imageTokensOf(told, entry));
    if (typeof outputTokens !== 'number') return outputTokens;
    const currency = currencyOf(entry.price);
    const rate = currency === undefined ? undefined : this.#shelf.rateOf(currency);
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

  #estimatorsOf({ entry }: Sale): readonly EstimatorChoice[] {
    return entry.estimators ?? this.#options.prices().estimators;
  }
}

/** What the backend tells and what the operator says: the smaller one is sure. */
function contextOf({ contextTokens }: PoolModel, entry: PriceEntry): number | undefined {
  const known = [contextTokens, entry.contextTokens].filter((tokens) => tokens !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

/** The owner's word counts before the backend's. */
const imageTokensOf = ({ imageTokens: told }: PoolModel, { imageTokens: said }: PriceEntry): ImageTokens | undefined =>
  said === undefined ? told : { most: said };
