import { describe, expect, test } from 'vitest';
import { errorCode } from '../../src/protocol/error-code.ts';
import { encodeModelParams } from '../../src/protocol/params.ts';
import { JSON_ANSWER, Market, bothVersions } from '../harness/market.ts';
import { answers, gate } from '../harness/scripted-backend.ts';

const others = { params: encodeModelParams('other') };

describe.each(bothVersions)('a request that is repeated to a seller of LCP v0.%i', (version) => {
  test('gets the same stored quote while it is open, as often as it is repeated', async () => {
    const market = await Market.open(version);
    const { buyer, seller } = market;
    const quote = await buyer.order();
    for (const count of [2, 3]) {
      await buyer.request(quote.jobId);
      const { priceMsat, quoteExpiryS, termsHash, paymentRequest } = await buyer.hear('quote', quote.jobId, count);
      expect({ priceMsat, quoteExpiryS, termsHash, paymentRequest }).toEqual({
        priceMsat: quote.priceMsat,
        quoteExpiryS: quote.quoteExpiryS,
        termsHash: quote.termsHash,
        paymentRequest: quote.paymentRequest,
      });
    }
    expect(seller.node.account.invoices()).toHaveLength(1);
  });

  test('with other params gets payment_invalid, and the quote stays good', async () => {
    const market = await Market.open(version);
    const { buyer } = market;
    const quote = await buyer.order();
    await buyer.request(quote.jobId, others);
    expect(await buyer.errorCode(quote.jobId)).toBe(errorCode(version, 'payment-invalid'));
    await buyer.pay(quote);
    expect((await buyer.result(quote.jobId)).status).toBe('ok');
  });

  test('with other params after the same ones gets payment_invalid too', async () => {
    const market = await Market.open(version);
    const { buyer } = market;
    const quote = await buyer.order();
    await buyer.request(quote.jobId);
    await buyer.hear('quote', quote.jobId, 2);
    await buyer.request(quote.jobId, others);
    expect(await buyer.errorCode(quote.jobId)).toBe(errorCode(version, 'payment-invalid'));
  });

  test('after its expiry gets quote_expired', async () => {
    const market = await Market.open(version);
    const { buyer, clock } = market;
    const quote = await buyer.order();
    await clock.advance(301_000);
    await market.reaches(quote.jobId, 'closed none none');
    await buyer.request(quote.jobId);
    expect(await buyer.errorCode(quote.jobId)).toBe(errorCode(version, 'quote-expired'));
  });

  test('after its expiry with other params gets quote_expired as well', async () => {
    const market = await Market.open(version);
    const { buyer, clock } = market;
    const quote = await buyer.order();
    await clock.advance(301_000);
    await market.reaches(quote.jobId, 'closed none none');
    await buyer.request(quote.jobId, others);
    expect(await buyer.errorCode(quote.jobId)).toBe(errorCode(version, 'quote-expired'));
  });

  test('after payment never runs it again', async () => {
    const market = await Market.open(version);
    const { buyer, backend } = market;
    const rest = gate();
    backend.will(answers(rest, JSON_ANSWER));
    const quote = await buyer.order();
    await buyer.pay(quote);
    await market.reaches(quote.jobId, 'funded running none');
    await buyer.request(quote.jobId);
    await buyer.settled();
    rest.open();
    expect((await buyer.result(quote.jobId)).status).toBe('ok');
    expect(buyer.all('error', quote.jobId)).toEqual([]);
    expect(backend.requests).toHaveLength(1);
  });

  test('after delivery gets the stored answer with the same chunks, and no second run', async () => {
    const market = await Market.open(version);
    const { buyer, backend } = market;
    const quote = await buyer.order();
    await buyer.pay(quote);
    await market.advanceUntil(quote.jobId, 'closed ended delivered');
    await buyer.request(quote.jobId);
    await buyer.result(quote.jobId, 2);
    const [first, again] = [buyer.delivery(quote.jobId, 1), buyer.delivery(quote.jobId, 2)];
    expect(again.begin.streamId).toBe(first.begin.streamId);
    expect(again.chunks.map(({ seq, data }) => [seq, data.length])).toEqual(
      first.chunks.map(({ seq, data }) => [seq, data.length]),
    );
    expect(again.bytes.toString()).toBe(JSON_ANSWER);
    expect(backend.requests).toHaveLength(1);
    expect(await market.money()).toMatchObject({ received: quote.priceMsat });
  });

  test('by another peer is another job', async () => {
    const market = await Market.open(version);
    const quote = await market.buyer.order();
    const other = await market.anotherBuyer('other');
    await other.request(quote.jobId);
    await other.input(quote.jobId, Buffer.from('{}'));
    expect((await other.hear('error', quote.jobId)).code).toBe(errorCode(version, 'unsupported-params'));
    await market.buyer.pay(quote);
    expect((await market.buyer.result(quote.jobId)).status).toBe('ok');
  });
});
