import type { BackendPool } from '../backend/pool.ts';
import type { Clock } from '../clock/clock.ts';
import type { Config } from '../config/config.ts';
import type { RequestLimits } from '../openai/request.ts';
import { rulesAt } from '../pricing/rules.ts';
import type { Counting } from '../estimating/counting.ts';
import type { RateSource } from '../rates/rate-source.ts';
import { PriceOffer } from '../storefront/price-offer.ts';
import type { Prices } from '../storefront/price-offer.ts';

/** What of the configuration makes a price. */
export type PriceSettings = Pick<Config, 'enabled' | 'minPriceMsat' | 'pricing' | 'llm' | 'payment'>;

export interface OfferParts {
  readonly settings: PriceSettings & Pick<Config, 'limits'>;
  readonly pool: BackendPool;
  readonly counting: Counting;
  /** Absent: nothing is priced in another currency. */
  readonly rates?: RateSource;
  readonly clock: Clock;
  readonly jobsUnderWay: () => number;
}

export interface PricedOffer {
  readonly offer: PriceOffer;
  /** From now on it sells by these settings; what was quoted stays as it was. */
  readonly reprice: (settings: PriceSettings) => void;
}

/** What a request may say beside what the gate knows: the same when it is priced and when it runs. */
export const allowedBy = ({ llm }: Pick<Config, 'llm'>): Pick<RequestLimits, 'allowedFields' | 'allowedToolTypes'> => ({
  allowedFields: llm.allowedRequestFields,
  allowedToolTypes: llm.allowedToolTypes,
});

/** What the configuration sells, by its prices: the same for who serves and for who asks beforehand. */
export function createOffer({ settings, pool, counting, rates, clock, jobsUnderWay }: OfferParts): PricedOffer {
  const pricesOf = ({ enabled, pricing, llm, payment, minPriceMsat }: PriceSettings): Prices => ({
    lists: enabled ? pricing.lists : [], // disabled: nothing is for sale, and buyers are told so
    estimators: llm.estimators,
    minPriceMsat,
    maxOutputTokens: llm.maxOutputTokens,
    paymentMode: payment.mode,
    rules: () => rulesAt(pricing, { nowMs: clock.nowMs(), jobsUnderWay: jobsUnderWay() }),
  });
  let prices = pricesOf(settings);
  const offer = new PriceOffer({
    pool,
    counting,
    prices: () => prices,
    maxChoices: settings.limits.maxChoices,
    allowed: allowedBy(settings),
    rate: () => rates?.rate(),
  });
  return { offer, reprice: (next) => void (prices = pricesOf(next)) };
}
