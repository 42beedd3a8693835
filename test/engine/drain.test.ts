import { describe, expect, test } from 'vitest';
import { JSON_ANSWER, Market } from '../harness/market.ts';
import { answers, gate } from '../harness/scripted-backend.ts';
import { chat, hex32 } from '../harness/wire-buyer.ts';

describe('a seller that drains', () => {
  test('takes no new request, and is done when the last paid answer is delivered', async () => {
    const market = await Market.open();
    const { buyer, seller, backend, clock } = market;
    const rest = gate();
    backend.will(answers(rest, JSON_ANSWER));
    const quote = await buyer.order();
    await buyer.pay(quote);
    await market.reaches(quote.jobId, 'funded running none');
    seller.admission.close();
    let isDone = false;
    const drained = seller.engine.whenPaidJobsAreDone().then(() => (isDone = true));
    const late = hex32();
    await buyer.request(late);
    await buyer.input(late, chat());
    expect(await buyer.errorCode(late)).toBe(7);
    expect(isDone).toBe(false);
    rest.open();
    expect((await buyer.result(quote.jobId)).status).toBe('ok');
    await market.reachesInMemory(quote.jobId, 'closed ended finishing');
    expect(isDone).toBe(false);
    await clock.advance(2_000);
    await drained;
  });

  test('does not wait for a peer that is away, nor for a quote that nobody pays', async () => {
    const market = await Market.open();
    const { buyer, seller, backend } = market;
    const rest = gate();
    backend.will(answers(rest, JSON_ANSWER));
    await buyer.order();
    const quote = await buyer.order();
    await buyer.pay(quote);
    await market.reaches(quote.jobId, 'funded running none');
    market.disconnect();
    rest.open();
    await market.reaches(quote.jobId, 'closed ended paused');
    await seller.engine.whenPaidJobsAreDone();
  });

  test('and is closed while it runs leaves the job to the next start', async () => {
    const market = await Market.open();
    const { buyer, backend } = market;
    backend.will(answers(gate(), JSON_ANSWER), answers(JSON_ANSWER));
    const quote = await buyer.order();
    await buyer.pay(quote);
    await market.reaches(quote.jobId, 'funded running none');
    await market.seller.close();
    await market.openSeller();
    expect((await buyer.result(quote.jobId)).status).toBe('ok');
    expect(backend.requests).toHaveLength(2);
  });
});
