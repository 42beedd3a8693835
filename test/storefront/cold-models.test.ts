import { describe, expect, test } from 'vitest';
import { errorCode } from '../../src/protocol/error-code.ts';
import { decodeModelParams, encodeModelParams } from '../../src/protocol/params.ts';
import { readRetryHintMs } from '../../src/protocol/retry-hint.ts';
import { Market, bothVersions } from '../harness/market.ts';
import { MAX_OUTPUT_TOKENS, PRICES } from '../harness/seller.ts';
import { MODEL, failsBefore, gate } from '../harness/scripted-backend.ts';
import { until } from '../harness/until.ts';
import { chat, hex32 } from '../harness/wire-buyer.ts';
import type { WireBuyer } from '../harness/wire-buyer.ts';

const OTHER = `${MODEL}-other`;

/** What the seller says to a request that it refuses; an input that comes too late is nobody's. */
async function refusal(
  buyer: WireBuyer,
  model = MODEL,
  body = chat({ model }),
): Promise<{ code: number; message: string }> {
  const jobId = hex32();
  await buyer.request(jobId, { params: encodeModelParams(model) });
  await buyer.input(jobId, body);
  const { code, message = '' } = await buyer.hear('error', jobId);
  expect(buyer.all('quote', jobId)).toEqual([]);
  return { code, message };
}

const untilWarm = (market: Market, model = MODEL) =>
  until('loaded', () => market.seller.pool.models().find(({ id }) => id === model)?.warm);

describe.each(bothVersions)('a model that is not in memory, LCP v0.%i', (version) => {
  test('is refused with a hint, loaded meanwhile, and sold then', async () => {
    const market = await Market.open(version);
    const { buyer, backend, seller } = market;
    backend.stock = [{ id: MODEL, warm: false }];
    backend.loading = gate();
    await seller.pool.refresh();
    for (let asked = 0; asked < 3; asked++) {
      const { code, message } = await refusal(buyer);
      expect([code, message]).toEqual([
        errorCode(version, 'rate-limited'),
        'this model is being loaded; try again in about 10 s',
      ]);
      expect(readRetryHintMs(message)).toBe(10_000);
    }
    expect(backend.loads).toEqual([MODEL]);
    backend.loading.open();
    await untilWarm(market);
    const quote = await buyer.order();
    await buyer.pay(quote);
    expect((await buyer.result(quote.jobId)).status).toBe('ok');
    expect(backend.loads).toEqual([MODEL]);
  });
});

describe('a model that is not in memory', () => {
  test('is sold like any other when the operator wants it so', async () => {
    const market = await Market.open(2, { coldModels: 'sell' });
    const { buyer, backend, seller } = market;
    backend.stock = [{ id: MODEL, warm: false }];
    await seller.pool.refresh();
    const quote = await buyer.order();
    await buyer.pay(quote);
    expect((await buyer.result(quote.jobId)).status).toBe('ok');
    expect(backend.loads).toEqual([]);
    await untilWarm(market); // it ran
  });

  test('is not loaded while a quote for another one can be paid, or its job runs; then it is', async () => {
    const market = await Market.open();
    const { buyer, backend, seller } = market;
    backend.stock = [
      { id: MODEL, warm: true },
      { id: OTHER, warm: false },
    ];
    await seller.pool.refresh();
    const quote = await buyer.order();
    expect((await refusal(buyer, OTHER)).message).toMatch(/its backend is at work with another one; try again in/);
    expect(backend.loads).toEqual([]);
    await buyer.pay(quote);
    await market.reaches(quote.jobId, 'closed ended');
    expect((await refusal(buyer, OTHER)).message).toMatch(/is being loaded/);
    expect(backend.loads).toEqual([OTHER]);
  });

  test('is refused though it was there when its request was looked at first', async () => {
    let meanwhile = async (): Promise<void> => {};
    const onLedger = (method: string) => (method === 'balance' ? meanwhile() : undefined);
    const market = await Market.open(2, { onLedger });
    const { buyer, backend, seller } = market;
    backend.stock = [{ id: MODEL, warm: true }];
    await seller.pool.refresh();
    meanwhile = () => {
      backend.stock = [{ id: MODEL, warm: false }];
      return seller.pool.refresh();
    };
    expect((await refusal(buyer)).message).toMatch(/is being loaded/);
    expect(backend.loads).toEqual([MODEL]);
  });

  test('is not loaded for strangers again and again', async () => {
    const market = await Market.open(2, { limits: { modelLoadsPerMinutePerPeer: 1 } });
    const { backend, seller } = market;
    const stranger = await market.stranger('stranger');
    const forgetful = async (model: string) => {
      backend.stock = [{ id: model, warm: false }];
      await seller.pool.refresh();
    };
    await forgetful(MODEL);
    expect((await refusal(stranger)).message).toMatch(/is being loaded/);
    await untilWarm(market);
    await forgetful(MODEL);
    expect((await refusal(stranger)).message).toMatch(/^too many models to load; try again in about \d+ s$/);
    expect(backend.loads).toHaveLength(1);
  });
});

describe('the context of a model', () => {
  const prompt = (tokens: number, fields: object = {}) => {
    const empty = chat({ messages: [{ role: 'user', content: '' }], max_tokens: undefined, ...fields }).length;
    return chat({
      messages: [{ role: 'user', content: 'x'.repeat(tokens * 4 - empty) }],
      max_tokens: undefined,
      ...fields,
    });
  };

  test('is the room that a request without a cap is priced for, and that its backend is bound to', async () => {
    const market = await Market.open();
    const { buyer, backend, seller } = market;
    backend.stock = [{ id: MODEL, contextTokens: 200 }];
    await seller.pool.refresh();
    const quote = await buyer.order(prompt(140));
    expect(quote.priceMsat).toBe((140n * PRICES.inputMsatPerMtok + 60n * PRICES.outputMsatPerMtok) / 1_000_000n);
    await buyer.pay(quote);
    await buyer.result(quote.jobId);
    const sent = JSON.parse(Buffer.from(backend.requests[0]!.body).toString()) as { max_tokens: number };
    expect(sent.max_tokens).toBe(60);
    const short = await buyer.order(prompt(50));
    const priced = (await market.job(short.jobId))?.breakdown.maxOutputTokens;
    expect(priced).toBe(MAX_OUTPUT_TOKENS);
  });

  test('is shared by each of several choices with the prompt', async () => {
    const market = await Market.open();
    const { buyer, backend, seller } = market;
    backend.stock = [{ id: MODEL, contextTokens: 200 }];
    await seller.pool.refresh();
    const { jobId } = await buyer.order(prompt(140, { n: 3 }));
    expect(await market.job(jobId)).toMatchObject({
      work: { maxOutputTokensPerChoice: 60, choices: 3 },
      breakdown: { maxOutputTokens: 180 },
    });
  });

  test.each(bothVersions)('bounds a cap that is named, and the prompt, before payment: LCP v0.%i', async (version) => {
    const market = await Market.open(version);
    const { buyer, backend, seller } = market;
    backend.stock = [{ id: MODEL, contextTokens: 200 }];
    await seller.pool.refresh();
    expect(await refusal(buyer, MODEL, prompt(140, { max_tokens: 61 }))).toEqual({
      code: errorCode(version, 'unsupported-params'),
      message:
        'the prompt counts as 140 of the 200 tokens that this model has for prompt and answer together: ask for at most 60 of output, not 61',
    });
    for (const tokens of [190, 5_000])
      expect((await refusal(buyer, MODEL, prompt(tokens))).code).toBe(errorCode(version, 'payload-too-large'));
    await buyer.order(prompt(140, { max_tokens: 60 }));
  });
});

describe('a model that was deleted', () => {
  const listed = (buyer: WireBuyer): string[] | undefined => {
    const manifest = buyer.heard.findLast((message) => message.kind === 'manifest');
    return manifest?.tasks.flatMap(({ paramsTemplate = new Uint8Array() }) => {
      const params = decodeModelParams(paramsTemplate);
      return 'model' in params ? [params.model] : [];
    });
  };

  test('leaves the manifest, which is sent anew, and is not for sale any more', async () => {
    const market = await Market.open();
    const { buyer, backend, seller } = market;
    backend.stock = [{ id: MODEL }, { id: OTHER }];
    await seller.pool.refresh();
    await until('both are listed', () => listed(buyer)?.includes(OTHER));
    backend.stock = [{ id: MODEL }];
    await seller.pool.refresh();
    await until('one is listed', () => !listed(buyer)?.includes(OTHER));
    expect(await refusal(buyer, OTHER)).toEqual({
      code: errorCode(2, 'unsupported-task'),
      message: 'this model is not for sale here',
    });
  });

  test('while its job was in the queue is credit; so it is when the backend says that it has none, which is asked at once', async () => {
    const market = await Market.open(2, { slots: 1 });
    const { buyer, backend, seller } = market;
    backend.stock = [{ id: MODEL }, { id: OTHER }];
    await seller.pool.refresh();
    const wanted = async () => {
      const jobId = hex32();
      await buyer.request(jobId, { params: encodeModelParams(OTHER) });
      await buyer.input(jobId, chat({ model: OTHER }));
      return buyer.hear('quote', jobId);
    };
    const quote = await wanted();
    backend.stock = [{ id: MODEL }];
    backend.will(failsBefore(false, 404));
    await buyer.pay(quote);
    expect((await buyer.result(quote.jobId)).status).toBe('failed');
    await market.reaches(quote.jobId, 'refunded failed');
    await until('the backend was asked', () => seller.pool.models().length === 1);
    backend.stock = [{ id: MODEL }, { id: OTHER }];
    await seller.pool.refresh();
    const again = await wanted();
    backend.stock = [{ id: MODEL }];
    await seller.pool.refresh();
    await buyer.pay(again);
    expect((await buyer.result(again.jobId)).status).toBe('failed');
    await market.reaches(again.jobId, 'refunded failed');
    const { received, credit, revenue } = await market.money();
    expect([credit, revenue]).toEqual([received, 0n]);
  });
});
