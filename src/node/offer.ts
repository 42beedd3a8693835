import type { BackendPool } from '../backend/pool.ts';
import type { Clock } from '../clock/clock.ts';
import type { Config } from '../config/config.ts';
import { rulesAt } from '../pricing/rules.ts';
import type { Counting } from '../estimating/counting.ts';
import type { RateSource } from '../rates/rate-source.ts';
import { PriceOffer } from '../storefront/price-offer.ts';

export interface OfferParts {
  readonly settings: Pick<Config, 'minPriceMsat' | 'pricing' | 'llm' | 'payment' | 'limits'>;
  readonly pool: BackendPool;
  readonly counting: Counting;
  /** Absent: nothing is priced in another currency. */
  readonly rates?: RateSource;
  readonly clock: Clock;
  readonly jobsUnderWay: () => number;
}

/** What the configuration sells, by its prices: the same for who serves and for who asks beforehand. */
export function createOffer({ settings, pool, counting, rates, clock, jobsUnderWay }: OfferParts): PriceOffer {
  const { pricing, llm, payment, limits } = settings;
  return new PriceOffer({
    pool,
    counting,
    estimators: llm.estimators,
    lists: pricing.lists,
    minPriceMsat: settings.minPriceMsat,
    maxOutputTokens: llm.maxOutputTokens,
    maxChoices: limits.maxChoices,
    paymentMode: payment.mode,
    allowed: { allowedFields: llm.allowedRequestFields, allowedToolTypes: llm.allowedToolTypes },
    rules: () => rulesAt(pricing, { nowMs: clock.nowMs(), jobsUnderWay: jobsUnderWay() }),
    rate: () => rates?.rate(),
  });
}
