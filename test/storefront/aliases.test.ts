import { describe, expect, test } from 'vitest';
import { createPool } from '../../src/backend/queueing-pool.ts';
import { Counting } from '../../src/estimating/counting.ts';
import type { Estimator } from '../../src/estimating/estimator.ts';
import { msat } from '../../src/money/msat.ts';
import type { CheckedRequest } from '../../src/openai/request.ts';
import { PriceOffer } from '../../src/storefront/price-offer.ts';
import { decodeModelParams, encodeModelParams } from '../../src/protocol/params.ts';
import { ManualClock } from '../harness/manual-clock.ts';
import { silentLog } from '../harness/silent-log.ts';
import { JSON_ANSWER, Market, SSE_ANSWER, bothVersions, sseAnswer } from '../harness/market.ts';
import { MODEL, ScriptedBackend, answers } from '../harness/scripted-backend.ts';
import { PRICES } from '../harness/seller.ts';
import { CHAT, chat, hex32 } from '../harness/wire-buyer.ts';

const entries = [{ pattern: MODEL, price: PRICES, aliases: ['quick', 'gpt-3.5'] }];

async function orderAs(market: Market, name: string, fields: object = {}) {
  const { buyer } = market;
  const jobId = hex32();
  await buyer.request(jobId, { params: encodeModelParams(name) });
  await buyer.input(jobId, chat({ model: name, ...fields }));
  return buyer.hear('quote', jobId);
}

describe.each(bothVersions)('a model that LCP v0.%i sells under another name too', (version) => {
  test('is asked of the backend by its own name; the buyer’s word stays with the job, and the answer as it came', async () => {
    const market = await Market.open(version, { entries });
    const { buyer, backend } = market;
    const quote = await orderAs(market, 'quick', { temperature: 0.5 });
    const same = await buyer.order(chat({ temperature: 0.5 }));
    expect(quote.priceMsat).toBeLessThanOrEqual(same.priceMsat); // a shorter name is fewer bytes
    await buyer.pay(quote);
    await buyer.result(quote.jobId);
    expect(buyer.delivery(quote.jobId).bytes.toString()).toBe(JSON_ANSWER);
    expect(backend.requests).toHaveLength(1);
    expect(backend.requests[0]?.model).toBe(MODEL);
    const body = Buffer.from(backend.requests[0]?.body ?? []).toString();
    expect(body).toBe(chat({ temperature: 0.5 }).toString());
    expect((await market.job(quote.jobId))?.work).toMatchObject({ model: 'quick', backendModel: MODEL });
  });

  test('streams like any other', async () => {
    const market = await Market.open(version, { entries });
    market.backend.will(sseAnswer);
    const quote = await orderAs(market, 'gpt-3.5', { stream: true });
    await market.buyer.pay(quote);
    await market.buyer.result(quote.jobId);
    expect(market.buyer.delivery(quote.jobId).bytes.toString()).toBe(SSE_ANSWER);
  });

  test('refuses a body that names the model otherwise than the request', async () => {
    const market = await Market.open(version, { entries });
    const { buyer } = market;
    const jobId = hex32();
    await buyer.request(jobId, { params: encodeModelParams('quick') });
    await buyer.input(jobId, chat());
    expect((await buyer.hear('error', jobId)).message).toContain('"model" must be the model of the quote request');
  });

  test('goes on after a crash with the name that the backend knows', async () => {
    const market = await Market.open(version, { entries });
    market.backend.will(answers({ passed: new Promise(() => {}), open: () => {} }));
    const quote = await orderAs(market, 'quick');
    await market.buyer.pay(quote);
    await market.reaches(quote.jobId, 'funded running none');
    market.backend.will(answers(JSON_ANSWER));
    // The owner has taken the alias away meanwhile: what was sold is served.
    await market.restart({ entries: [{ pattern: MODEL, price: PRICES }] });
    market.connect();
    await market.advanceUntil(quote.jobId, 'closed ended *');
    expect(market.backend.requests.at(-1)?.model).toBe(MODEL);
  });
});

test('a manifest of LCP v0.2 names models and aliases', async () => {
  const market = await Market.open(2, { entries });
  const manifest = market.buyer.heard.find((message) => message.kind === 'manifest');
  const names = manifest?.tasks.map(({ paramsTemplate }) => decodeModelParams(paramsTemplate ?? new Uint8Array()));
  const each = ['gpt-3.5', 'quick', MODEL].map((model) => ({ model }));
  expect(names).toEqual([...each, ...each]);
});

test('its input is counted under the name that the backend knows, and so is the body that a server counts', async () => {
  const seen: CheckedRequest[] = [];
  const estimator: Estimator = {
    name: 'bytes',
    prepare: () => Promise.resolve(),
    count: (request) => Promise.resolve({ tokens: seen.push(request), accuracy: 'estimate' }),
    close: () => Promise.resolve(),
  };
  const counting = new Counting({ open: () => estimator, log: silentLog });
  const pool = createPool({ members: [{ backend: new ScriptedBackend(), slots: 1 }], clock: new ManualClock(), maxQueueLength: 0 }); // prettier-ignore
  await pool.refresh();
  const offer = new PriceOffer({
    pool,
    counting,
    estimators: [{ name: 'bytes' }],
    lists: [{ file: 'test', entries }],
    minPriceMsat: msat(1_000),
    maxOutputTokens: 100,
    maxChoices: 1,
    paymentMode: 'upfront',
    allowed: {},
    rules: () => [],
    rate: () => undefined,
  });
  const priced = await offer.price(CHAT, 'quick', chat({ model: 'quick' }), new AbortController().signal);
  expect(priced).toMatchObject({ work: { model: 'quick', backendModel: MODEL } });
  expect(seen[0]?.model).toBe(MODEL);
  const body = seen[0]?.upstreamBody({ cap: 'max_tokens', usage: true }) ?? new Uint8Array();
  expect(JSON.parse(Buffer.from(body).toString())).toMatchObject({ model: MODEL });
  await pool.close();
});
