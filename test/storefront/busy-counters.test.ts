import { expect, onTestFinished, test } from 'vitest';
import { createPool } from '../../src/backend/queueing-pool.ts';
import { systemClock } from '../../src/clock/clock.ts';
import { Counting } from '../../src/estimating/counting.ts';
import { createOpenAiEstimator } from '../../src/estimating/openai.ts';
import { msat } from '../../src/money/msat.ts';
import { PriceOffer } from '../../src/storefront/price-offer.ts';
import { ManualClock } from '../harness/manual-clock.ts';
import { MODEL, ScriptedBackend } from '../harness/scripted-backend.ts';
import { PRICES } from '../harness/seller.ts';
import { silentLog } from '../harness/silent-log.ts';
import { CHAT, chat } from '../harness/wire-buyer.ts';

test('a request that finds too many others waiting to be counted is refused, not priced by its bound', async () => {
  const counting = new Counting({
    open: () => createOpenAiEstimator({ clock: systemClock, maxWaiting: 1 }),
    log: silentLog,
  });
  const pool = createPool({
    members: [{ backend: new ScriptedBackend(), slots: 1 }],
    clock: new ManualClock(),
    maxQueueLength: 0,
  });
  onTestFinished(async () => void (await Promise.all([counting.close(), pool.close()])));
  await pool.refresh();
  const offer = new PriceOffer({
    pool,
    counting,
    prices: () => ({
      estimators: [{ name: 'openai' }, { name: 'bytes' }],
      lists: [{ file: 'test', entries: [{ pattern: MODEL, price: PRICES }] }],
      minPriceMsat: msat(1_000),
      maxOutputTokens: 100,
      paymentMode: 'upfront',
      rules: () => [],
    }),
    maxChoices: 1,
    allowed: {},
    rate: () => undefined,
  });
  const price = () => offer.price(CHAT, MODEL, chat({ model: MODEL }), new AbortController().signal);
  const busy = {
    refusal: 'rate-limited',
    message: 'too many requests are being counted; try again in about 3 s',
  };
  const [counted, waited, turnedAway] = await Promise.all([price(), price(), price()]);
  expect(turnedAway).toEqual(busy);
  for (const priced of [counted, waited, await price()])
    expect(priced).toMatchObject({ breakdown: { counted: { accuracy: 'estimate' } } });
});
