import { describe, expect, test } from 'vitest';
import { nano } from '../../src/money/decimal.ts';
import { msat } from '../../src/money/msat.ts';
import type { Rate } from '../../src/pricing/rate.ts';
import type { RateSource } from '../../src/rates/rate-source.ts';
import { Market, bothVersions } from '../harness/market.ts';
import { DONE, MODEL, answers, completion, delta } from '../harness/scripted-backend.ts';
import { MAX_OUTPUT_TOKENS, PRICES } from '../harness/seller.ts';
import { until } from '../harness/until.ts';
import { png } from '../openai/images.ts';
import { chat, hex32 } from '../harness/wire-buyer.ts';

/** Priced as PRICES are, with cached input at a tenth. */
const cachedPrice = { ...PRICES, cachedInputMsatPerMtok: msat(100_000_000n) };
const usage = { prompt_tokens: 20, completion_tokens: 5, prompt_tokens_details: { cached_tokens: 15 } };
/** 5 tokens at 1,000, 15 at 100, 5 of output at 10,000. */
const CHARGE = 56_500n;

describe.each(bothVersions)('a seller of LCP v0.%i', (version) => {
  test.each([
    ['in one piece', false, completion('forty-two', usage)],
    ['streamed', true, `${delta('forty-two')}data: ${JSON.stringify({ choices: [], usage })}\n\n${DONE}`],
  ])('charges input that its backend had cached at its own price: %s', async (_how, stream, answer) => {
    const market = await Market.open(version, { entries: [{ pattern: MODEL, price: cachedPrice }] });
    market.backend.will(answers(answer));
    const quote = await market.buyer.order(chat({ stream }));
    await market.buyer.pay(quote);
    await market.buyer.result(quote.jobId);
    const job = await market.advanceUntil(quote.jobId, 'closed ended delivered');
    expect(job.usage).toEqual({ inputTokens: 20, outputTokens: 5, cachedInputTokens: 15 });
    expect(await market.money()).toMatchObject({ revenue: CHARGE, credit: quote.priceMsat - CHARGE });
  });

  test('asks the price of an hour', async () => {
    const list = (await (await Market.open(version)).buyer.order()).priceMsat;
    const hours = { timeZone: 'UTC', windows: [{ fromMinute: 0, toMinute: 60, multiplierBps: 5_000 }] };
    const market = await Market.open(version, { hours }); // its day begins at midnight
    expect((await market.buyer.order()).priceMsat).toBe(list / 2n);
  });

  test('charges at least the model’s own minimum, once something was served', async () => {
    const price = { ...PRICES, minimumMsat: msat(700_000n) };
    const market = await Market.open(version, { entries: [{ pattern: MODEL, price }] });
    const quote = await market.buyer.order();
    expect(quote.priceMsat).toBe(700_000n);
    await market.buyer.pay(quote);
    await market.advanceUntil(quote.jobId, 'closed ended delivered');
    expect(await market.money()).toMatchObject({ revenue: 700_000n, credit: 0n });
  });
});

describe('images', () => {
  const picture = { type: 'image_url', image_url: { url: `${png(640, 480)}${'A'.repeat(4_000)}` } };
  const body = chat({
    messages: [{ role: 'user', content: [{ type: 'text', text: 'what is it?' }, picture, picture] }],
  });

  test('are sold by the piece where they have a price, whatever their size, and served', async () => {
    const price = { ...PRICES, imageMsat: msat(70_000n) };
    const market = await Market.open(2, {
      entries: [{ pattern: MODEL, price, capabilities: ['completion', 'vision'] }],
    });
    market.backend.will(answers(completion('a cat', { prompt_tokens: 2_000, completion_tokens: 5 })));
    const quote = await market.buyer.order(body);
    await market.buyer.pay(quote);
    const job = await market.advanceUntil(quote.jobId, 'closed ended delivered');
    expect(job.breakdown).toMatchObject({ images: 2 });
    expect(job.breakdown.inputTokens).toBeLessThan(150);
    const input = BigInt(job.breakdown.inputTokens) * 1_000n;
    expect(quote.priceMsat).toBe(input + 50n * 10_000n + 140_000n);
    expect(job.chargeMsat).toBe(input + 5n * 10_000n + 140_000n);
    expect(JSON.parse(Buffer.from(market.backend.requests[0]?.body ?? []).toString())).toEqual(
      JSON.parse(body.toString()),
    );
  });

  test.each([
    ['says', { imageTokens: 576 }, {}],
    ['does not say, but the backend does', {}, { imageTokens: { most: 256 } }],
  ])('are sold where they fit beside the answer, by what the operator %s', async (_who, said, told) => {
    const price = { ...PRICES, imageMsat: msat(1n) };
    const entry = { pattern: MODEL, price, capabilities: ['completion', 'vision'] } as const;
    const small = { id: MODEL, contextTokens: 4_096 };
    const unknown = await Market.open(2, { entries: [entry] });
    unknown.backend.stock = [small];
    await unknown.seller.pool.refresh();
    const jobId = hex32();
    await unknown.buyer.request(jobId);
    await unknown.buyer.input(jobId, body);
    expect((await unknown.buyer.hear('error', jobId)).message).toContain('with its images up to');
    const market = await Market.open(2, { entries: [{ ...entry, ...said }] });
    market.backend.stock = [{ ...small, ...told }];
    await market.seller.pool.refresh();
    expect((await market.buyer.order(body)).priceMsat).toBeGreaterThan(0n);
  });

  test.each([
    [
      'they have none',
      { price: PRICES, capabilities: ['completion', 'vision'] },
      'images have no price with this model',
    ],
    [
      'nobody says that the model can see',
      { price: { ...PRICES, imageMsat: msat(1n) } },
      'this model can not see images',
    ],
  ] as const)('are refused where %s', async (_what, entry, why) => {
    const { buyer } = await Market.open(2, { entries: [{ pattern: MODEL, ...entry }] });
    const jobId = hex32();
    await buyer.request(jobId);
    await buyer.input(jobId, body);
    expect((await buyer.hear('error', jobId)).message).toContain(`${why}, send text`);
  });
});

describe('a model that is priced in dollars', () => {
  const price = {
    currency: 'USD',
    inputNanoPerMtok: nano(0n),
    outputNanoPerMtok: nano(2_000_000_000_000n),
    requestNano: nano(0n),
  };
  const dollars = (perBitcoin: bigint): Rate => ({
    currency: 'USD',
    nanoPerBitcoin: nano(perBitcoin * 1_000_000_000n),
    source: 'test',
    atMs: 5,
  });
  const told: { rate: Rate | undefined } = { rate: undefined };
  const rates: RateSource = {
    rate: () => told.rate,
    onChanged: () => () => undefined,
    start: () => Promise.resolve(),
    close: () => undefined,
  };

  test('costs msat by the rate of the moment, which stays with the job until it is charged', async () => {
    told.rate = dollars(100_000n);
    const market = await Market.open(2, { entries: [{ pattern: MODEL, price }], rates });
    const quote = await market.buyer.order(chat({ max_tokens: MAX_OUTPUT_TOKENS }));
    expect(quote.priceMsat).toBe(200_000n); // 100 tokens × 2,000 dollars for a million
    told.rate = dollars(1n);
    await market.buyer.pay(quote);
    const job = await market.advanceUntil(quote.jobId, 'closed ended delivered');
    expect(job.breakdown).toMatchObject({ rate: dollars(100_000n), exactMsat: '200000' });
    expect(job.chargeMsat).toBe(10_000n);
  });

  test('is not for sale while there is no rate, nor by a rate of another currency', async () => {
    for (const rate of [undefined, { ...dollars(1n), currency: 'EUR' }]) {
      told.rate = rate;
      const market = await Market.open(2, { entries: [{ pattern: MODEL, price }], rates });
      const manifest = market.buyer.heard.find((message) => message.kind === 'manifest');
      expect(manifest?.tasks).toEqual([]);
      const jobId = hex32();
      await market.buyer.request(jobId);
      expect((await market.buyer.hear('error', jobId)).message).toContain('not for sale');
    }
  });

  test('is away when the rate has gone, and on sale again with it', async () => {
    told.rate = dollars(100_000n);
    const market = await Market.open(2, { entries: [{ pattern: MODEL, price }], rates });
    await market.buyer.order();
    told.rate = undefined;
    const jobId = hex32();
    await market.buyer.request(jobId);
    expect((await market.buyer.hear('error', jobId)).message).toContain('try again soon');
    told.rate = dollars(100_000n);
    await market.buyer.order();
  });
});

describe('prices that are changed while the provider sells', () => {
  const dearer = { ...PRICES, outputMsatPerMtok: msat(20_000_000_000n) };

  test('count for new quotes; a quote that went out is served and charged as it was', async () => {
    const market = await Market.open(2);
    const old = await market.buyer.order(chat({ max_tokens: MAX_OUTPUT_TOKENS }));
    market.seller.reprice({ entries: [{ pattern: MODEL, price: dearer }] });
    const next = await market.buyer.order(chat({ max_tokens: MAX_OUTPUT_TOKENS }));
    expect(next.priceMsat).toBeGreaterThan(old.priceMsat);
    await market.buyer.pay(old);
    const job = await market.advanceUntil(old.jobId, 'closed ended delivered');
    expect(job.breakdown.price).toEqual(PRICES);
  });

  test('that leave a model out take it out of the manifest, at once', async () => {
    const market = await Market.open(2);
    market.buyer.heard.length = 0;
    market.seller.reprice({ entries: [{ pattern: 'another', price: PRICES }] });
    await until('a manifest comes', () => market.buyer.heard.some(({ kind }) => kind === 'manifest'));
    expect(market.buyer.heard.find((message) => message.kind === 'manifest')?.tasks).toEqual([]);
    const jobId = hex32();
    await market.buyer.request(jobId);
    expect((await market.buyer.hear('error', jobId)).message).toContain('not for sale');
  });
});
