import type { BackendPool } from '../backend/pool.ts';
import type { Counting } from '../estimating/counting.ts';
import { CannotCount } from '../estimating/estimator.ts';
import type { Msat } from '../money/msat.ts';
import { checkRequestInSteps, hasOutput, taskKinds } from '../openai/request.ts';
import type { RequestLimits, TaskKind } from '../openai/request.ts';
import { quotePrice } from '../pricing/price.ts';
import { findPrice } from '../pricing/price-list.ts';
import type { EstimatorChoice, PaymentMode, PriceEntry, PriceList } from '../pricing/price-list.ts';
import type { PriceRule } from '../pricing/price-rule.ts';
import { outputRoom } from './context-room.ts';
import type { Availability, Offer, Priced, Refused } from './offer.ts';
import { kindsOf } from './what-models-do.ts';

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
  /** What models were sold for when they were last there. */
  readonly #everOnSale = new Map<string, readonly TaskKind[]>();

  constructor(options: PriceOfferOptions) {
    this.#options = options;
  }

  models(taskKind?: TaskKind): readonly string[] {
    const onSale = [...this.#kindsByModel()];
    return onSale.flatMap(([id, can]) => (taskKind === undefined || can.includes(taskKind) ? [id] : [])).toSorted();
  }

  /** Finds out by whom the input of each model is counted; again when the models have changed. */
  async prepareCounting(signal: AbortSignal): Promise<void> {
    const { counting, estimators, lists } = this.#options;
    for (const model of this.models())
      await counting.prepare(model, findPrice(lists, model)?.estimators ?? estimators, signal);
  }

  availability(taskKind: TaskKind, model: string): Availability {
    const now = this.#kindsByModel().get(model);
    const can = now ?? (this.#options.pool.isAway(model) ? this.#everOnSale.get(model) : undefined);
    if (can === undefined) return 'not for sale';
    if (!can.includes(taskKind)) return 'for other work';
    return now === undefined ? 'away' : 'on sale';
  }

  async price(taskKind: TaskKind, model: string, body: Uint8Array, signal: AbortSignal): Promise<Priced | Refused> {
    const { counting, estimators, lists, minPriceMsat, maxOutputTokens, maxChoices, allowed, paymentMode, rules } =
      this.#options;
    const entry = findPrice(lists, model);
    const availability = this.availability(taskKind, model);
    if (availability === 'away') return { refusal: 'rate-limited', message: AWAY };
    if (entry === undefined || availability !== 'on sale')
      return { refusal: 'unsupported-task', message: 'this model is not for sale here, or not for this work' };
    const request = await checkRequestInSteps(taskKind, body, model, {
      maxOutputTokens: entry.maxOutputTokens ?? maxOutputTokens,
      maxChoices,
      ...allowed,
    });
    if ('refusal' in request) return request;
    const contextTokens = this.#contextOf(model, entry);
    const isLimited = contextTokens !== undefined && hasOutput(taskKind); // several texts without output have it each
    const options = { signal, ...(isLimited && { limitTokens: contextTokens }) };
    const input = await counting.count(request, entry.estimators ?? estimators, options).catch((error: unknown) => {
      if (error instanceof CannotCount) return undefined;
      throw error;
    });
    if (input === undefined) return { refusal: 'rate-limited', message: UNCOUNTED };
    const outputTokens = outputRoom(request, input, contextTokens);
    if (typeof outputTokens !== 'number') return outputTokens;
    return {
      work: {
        model,
        stream: request.stream,
        usageWanted: request.usageWanted,
        maxOutputTokensPerChoice: outputTokens,
        choices: request.choices,
      },
      paymentMode: entry.paymentMode ?? paymentMode,
      breakdown: quotePrice({
        estimator: input.estimator,
        inputTokens: input.tokens,
        counted: input.how,
        maxOutputTokens: outputTokens * request.choices,
        price: entry.price,
        rules: rules(),
        minPriceMsat,
      }),
    };
  }

  /** What the backend tells and what the operator says: the smaller one is sure. */
  #contextOf(model: string, entry: PriceEntry): number | undefined {
    const told = this.#options.pool.models().find(({ id }) => id === model)?.contextTokens;
    const known = [told, entry.contextTokens].filter((tokens) => tokens !== undefined);
    return known.length === 0 ? undefined : Math.min(...known);
  }

  #kindsByModel(): ReadonlyMap<string, readonly TaskKind[]> {
    const { pool, lists } = this.#options;
    const onSale = new Map<string, readonly TaskKind[]>();
    for (const model of pool.models()) {
      const entry = findPrice(lists, model.id);
      const can = entry === undefined ? [] : kindsOf(model, entry);
      if (can.length > 0) onSale.set(model.id, can);
    }
    for (const [id, can] of onSale) this.#everOnSale.set(id, can);
    return onSale;
  }
}
