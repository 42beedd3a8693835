import { describe, expect, test } from 'vitest';
import { Market, JSON_ANSWER, SSE_ANSWER, bothVersions, sseAnswer } from '../harness/market.ts';
import { JSON_TYPE, SSE_TYPE, gate, answers, delta, DONE, usageChunk } from '../harness/scripted-backend.ts';
import { chat, sha256 } from '../harness/wire-buyer.ts';

/** 20 tokens of input and 5 of output, as the backend says. */
const CHARGE = 70_000n;

describe.each(bothVersions)('a sale by LCP v0.%i', (version) => {
  test('of a JSON answer: quoted, paid, run once, delivered byte for byte, charged by the usage', async () => {
    const market = await Market.open(version);
    const { buyer, backend } = market;
    const quote = await buyer.order();
    expect(quote.priceMsat).toBe(BigInt(Math.ceil(chat().length / 4)) * 1000n + 500_000n);
    expect(backend.requests).toEqual([]);
    await buyer.pay(quote);
    const result = await buyer.result(quote.jobId);
    const { begin, bytes } = buyer.delivery(quote.jobId);
    expect(bytes.toString()).toBe(JSON_ANSWER);
    expect(begin).toMatchObject({ contentType: JSON_TYPE, contentEncoding: 'identity', streamKind: 'result' });
    expect(result).toMatchObject({
      status: 'ok',
      stream: {
        streamId: begin.streamId,
        sha256: sha256(JSON_ANSWER),
        totalBytes: BigInt(JSON_ANSWER.length),
        contentType: JSON_TYPE,
        contentEncoding: 'identity',
      },
    });
    expect(buyer.about(quote.jobId).map(({ kind }) => kind)).toEqual([
      'quote',
      'stream-begin',
      'stream-chunk',
      'stream-end',
      'result',
    ]);
    await market.advanceUntil(quote.jobId, 'closed ended delivered');
    expect(backend.requests).toHaveLength(1);
    expect(await market.money()).toEqual({
      received: quote.priceMsat,
      revenue: CHARGE,
      credit: quote.priceMsat - CHARGE,
      reserved: 0n,
    });
    const entries = await market.seller.ledger.entries(market.keyOf(quote.jobId));
    expect(entries.map(({ reason, amountMsat }) => [reason, amountMsat])).toEqual([
      ['payment received', quote.priceMsat],
      ['charge', CHARGE],
      ['remainder', quote.priceMsat - CHARGE],
    ]);
  });

  test('of a stream: each piece leaves as it comes, without the usage that only we asked for', async () => {
    const market = await Market.open(version);
    const { buyer, backend } = market;
    const rest = gate();
    backend.will(answers(delta('forty'), rest, delta('-'), delta('two'), usageChunk(20, 5), DONE));
    const quote = await buyer.order(chat({ stream: true }));
    await buyer.pay(quote);
    const first = await buyer.hear('stream-chunk', quote.jobId);
    expect(Buffer.from(first.data).toString()).toBe(delta('forty'));
    rest.open();
    const result = await buyer.result(quote.jobId);
    const { begin, bytes } = buyer.delivery(quote.jobId);
    expect(bytes.toString()).toBe(SSE_ANSWER);
    expect(begin.contentType).toBe(SSE_TYPE);
    expect(result.stream?.sha256).toBe(sha256(SSE_ANSWER));
    expect(await market.money()).toMatchObject({ revenue: CHARGE, reserved: 0n });
  });

  test('sends the backend what was priced: the cap, and a wish for usage', async () => {
    const market = await Market.open(version);
    const { buyer, backend } = market;
    backend.will(sseAnswer);
    const quote = await buyer.order(chat({ stream: true, max_tokens: undefined }));
    await buyer.pay(quote);
    await buyer.result(quote.jobId);
    const sent: unknown = JSON.parse(Buffer.from(backend.requests[0]?.body ?? []).toString());
    expect(sent).toMatchObject({ max_tokens: 100, stream: true, stream_options: { include_usage: true } });
  });
});
