import { describe, expect, test } from 'vitest';
import { errorCode } from '../../src/protocol/error-code.ts';
import { decodeModelParams, encodeModelParams } from '../../src/protocol/params.ts';
import { Market, bothVersions } from '../harness/market.ts';
import { EMBEDDER, JSON_TYPE, MODEL, SSE_TYPE, answers } from '../harness/scripted-backend.ts';
import { CHAT, chat, hex32 } from '../harness/wire-buyer.ts';

const EMBEDDINGS = 'openai.embeddings.v1';
const bodyOf = (fields: object = {}): Buffer =>
  Buffer.from(JSON.stringify({ model: EMBEDDER, input: ['a secret', 'another one'], ...fields }));
const asked = { taskKind: EMBEDDINGS, params: encodeModelParams(EMBEDDER) };
/** As Ollama writes it. */
const answerWith = (usage: object): string =>
  JSON.stringify({
    object: 'list',
    data: [0, 1].map((index) => ({ object: 'embedding', embedding: [0.6, -0.8], index })),
    model: EMBEDDER,
    usage,
  });

describe.each(bothVersions)('embeddings by LCP v0.%i', (version) => {
  test('are quoted by the input alone, paid, run once, delivered byte for byte, charged by the usage', async () => {
    const market = await Market.open(version);
    const { buyer, backend } = market;
    const answer = answerWith({ prompt_tokens: 6, total_tokens: 6 });
    backend.will(answers(answer));
    const body = bodyOf({ encoding_format: 'float' });
    const quote = await buyer.order(body, hex32(), asked);
    expect(quote.priceMsat).toBe(BigInt(Math.ceil(body.length / 4) + 4) * 1000n);
    expect(backend.requests).toEqual([]);
    await buyer.pay(quote);
    expect(await buyer.result(quote.jobId)).toMatchObject({ status: 'ok' });
    const { begin, bytes } = buyer.delivery(quote.jobId);
    expect(begin.contentType).toBe(JSON_TYPE);
    expect(bytes.toString()).toBe(answer);
    expect(backend.requests).toHaveLength(1);
    expect(backend.requests[0]).toMatchObject({ taskKind: EMBEDDINGS, model: EMBEDDER, stream: false });
    expect(Buffer.from(backend.requests[0]?.body ?? [])).toEqual(body);
    await market.advanceUntil(quote.jobId, 'closed ended delivered');
    const price = quote.priceMsat;
    expect(await market.money()).toEqual({ received: price, revenue: 6000n, credit: price - 6000n, reserved: 0n });
  });

  test.each([
    ['that tells no usage is charged as it was counted', {}, undefined],
    ['whose usage has output is charged for its input', { prompt_tokens: 5, completion_tokens: 9 }, 5000n],
    ['whose usage is above the cover is charged the cover', { prompt_tokens: 5000 }, undefined],
  ])('an answer %s', async (_, usage, chargeMsat) => {
    const market = await Market.open(version);
    const { buyer, backend } = market;
    backend.will(answers(answerWith(usage)));
    const quote = await buyer.order(bodyOf(), hex32(), asked);
    await buyer.pay(quote);
    await buyer.result(quote.jobId);
    await market.advanceUntil(quote.jobId, 'closed ended delivered');
    expect(await market.money()).toMatchObject({ revenue: chargeMsat ?? quote.priceMsat, reserved: 0n });
  });

  test('an error of the backend in its answer is charged nothing', async () => {
    const market = await Market.open(version);
    const { buyer, backend } = market;
    backend.will(answers(JSON.stringify({ error: { message: 'input too long' } })));
    const quote = await buyer.order(bodyOf(), hex32(), asked);
    await buyer.pay(quote);
    expect((await buyer.result(quote.jobId)).status).toBe('failed');
    expect(await market.money()).toMatchObject({ revenue: 0n, credit: quote.priceMsat });
  });

  test.each([
    ['embeddings of a model that completes texts', EMBEDDINGS, MODEL, bodyOf({ model: MODEL })],
    ['a chat with a model that only embeds', CHAT, EMBEDDER, chat({ model: EMBEDDER })],
  ])('refuses %s before anything is priced', async (_, taskKind, model, body) => {
    const { buyer } = await Market.open(version);
    const jobId = hex32();
    await buyer.request(jobId, { taskKind, params: encodeModelParams(model) });
    await buyer.input(jobId, body);
    const error = await buyer.hear('error', jobId);
    expect(error.code).toBe(errorCode(version, 'unsupported-task'));
    expect(error.message).toBe(`this model is not for sale for ${taskKind} here`);
  });

  test('are advertised for the models that can do them, and chats for the others', async () => {
    const { buyer } = await Market.open(version);
    const manifest = buyer.heard.find((message) => message.kind === 'manifest');
    const told = manifest?.tasks.map(({ taskKind, paramsTemplate, responseContentTypes }) => [
      taskKind,
      version === 2 ? decodeModelParams(paramsTemplate ?? Buffer.of()) : responseContentTypes,
    ]);
    const both = [JSON_TYPE, SSE_TYPE];
    expect(told).toEqual([
      [CHAT, version === 2 ? { model: MODEL } : both],
      ['openai.responses.v1', version === 2 ? { model: MODEL } : both],
      [EMBEDDINGS, version === 2 ? { model: EMBEDDER } : [JSON_TYPE]],
    ]);
  });
});
