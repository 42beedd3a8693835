import { describe, expect, test } from 'vitest';
import { LightningError } from '../../src/lightning/lightning.ts';
import { unavailable } from '../harness/fake-node.ts';
import { JSON_ANSWER, Market, SSE_ANSWER, sseAnswer } from '../harness/market.ts';
import { answers, breaksAfter, delta, failsBefore, gate, staysSilent } from '../harness/scripted-backend.ts';
import { until } from '../harness/until.ts';
import { chat } from '../harness/wire-buyer.ts';
import type { WireBuyer } from '../harness/wire-buyer.ts';
import { codeOf } from '../lightning/contract.ts';

const nothing = { received: 0n, revenue: 0n, credit: 0n, reserved: 0n };
const openMarket = (): Promise<Market> => Market.open(2, { paymentMode: 'hold' });
const stateOf = (market: Market) => market.seller.node.account.invoices()[0]?.state;

/** A quote, and a payment for it that is on its way. */
async function payFor(buyer: WireBuyer, body?: Uint8Array) {
  const quote = await buyer.order(body);
  const payment = codeOf(buyer.pay(quote)); // 'no error' when it was taken
  return { quote, jobId: quote.jobId, payment };
}

async function untilWorking(market: Market, jobId: string): Promise<void> {
  await market.reaches(jobId, 'held running none');
  await until('the backend is asked', () => market.backend.requests.length > 0);
}

describe('a payment in hold mode', () => {
  test('is taken before the first byte leaves, and the answer is charged as any other', async () => {
    const market = await openMarket();
    const { buyer, seller } = market;
    const asked = Promise.withResolvers<void>();
    const allowed = Promise.withResolvers<void>();
    seller.node.faults.settleInvoice = async () => {
      asked.resolve();
      await allowed.promise;
    };
    market.backend.will(sseAnswer);
    const { quote, jobId, payment } = await payFor(buyer, chat({ stream: true }));
    await asked.promise;
    await market.breathe();
    expect(buyer.all('stream-chunk', jobId)).toEqual([]);
    expect(await market.money()).toEqual(nothing);
    allowed.resolve();
    expect((await buyer.result(jobId)).status).toBe('ok');
    expect(buyer.delivery(jobId).bytes.toString()).toBe(SSE_ANSWER);
    await payment;
    const { chargeMsat = 0n } = await market.reaches(jobId, 'closed ended *');
    expect(await market.money()).toEqual({
      received: quote.priceMsat,
      revenue: chargeMsat,
      credit: quote.priceMsat - chargeMsat,
      reserved: 0n,
    });
  });

  test('is charged for an answer that was too large for its buyer before the payment was taken', async () => {
    const market = await openMarket();
    const { buyer, seller } = market;
    await buyer.manifest({ maxStreamBytes: 2_000n });
    const allowed = Promise.withResolvers<void>();
    seller.node.faults.settleInvoice = () => allowed.promise;
    market.backend.will(answers(...Array.from({ length: 30 }, () => delta('x'.repeat(100)))));
    const { quote, jobId } = await payFor(buyer, chat({ stream: true }));
    await market.reaches(jobId, 'settling failed withheld');
    allowed.resolve();
    expect((await buyer.result(jobId)).status).toBe('failed');
    const { revenue, credit } = await market.money();
    expect(revenue).toBeGreaterThan(0n);
    expect(revenue + credit).toBe(quote.priceMsat);
  });

  test('goes back untouched when the backend fails before the first byte', async () => {
    const market = await openMarket();
    market.backend.will(failsBefore(false));
    const { jobId, payment } = await payFor(market.buyer);
    expect(await payment).toBe('payment-failed');
    expect((await market.buyer.result(jobId)).status).toBe('failed');
    await market.reaches(jobId, 'closed failed none');
    expect(await market.money()).toEqual(nothing);
  });

  test('goes back untouched when a JSON answer breaks in the middle: nobody can use half of one', async () => {
    const market = await openMarket();
    market.backend.will(breaksAfter(JSON_ANSWER.slice(0, 40)));
    const { jobId, payment } = await payFor(market.buyer);
    expect(await payment).toBe('payment-failed');
    expect((await market.buyer.result(jobId)).status).toBe('failed');
    await market.reaches(jobId, 'closed failed none');
    expect(market.buyer.all('stream-begin', jobId)).toEqual([]);
    expect(await market.money()).toEqual(nothing);
  });

  test('goes back when no output begins before its deadline', async () => {
    const market = await openMarket();
    market.backend.will(staysSilent);
    const { jobId, payment } = await payFor(market.buyer);
    await untilWorking(market, jobId);
    await market.clock.advance(120_000);
    expect(await payment).toBe('payment-failed');
    await market.reaches(jobId, 'closed failed none');
    await until('the backend was let go', () => market.backend.aborts === 1);
    expect(await market.money()).toEqual(nothing);
  });

  test('goes back when the buyer cancels before the first byte', async () => {
    const market = await openMarket();
    market.backend.will(staysSilent);
    const { jobId, payment } = await payFor(market.buyer);
    await untilWorking(market, jobId);
    await market.buyer.cancel(jobId);
    expect(await payment).toBe('payment-failed');
    expect((await market.buyer.result(jobId)).status).toBe('cancelled');
    await market.reaches(jobId, 'closed ended none');
    expect(market.buyer.all('result', jobId)).toHaveLength(1);
    expect(await market.money()).toEqual(nothing);
  });

  test('that the node gave back ends the work: no byte leaves, nothing is booked', async () => {
    const market = await openMarket();
    market.backend.will(staysSilent);
    const { jobId, payment } = await payFor(market.buyer);
    await untilWorking(market, jobId);
    market.seller.node.expireHold(market.seller.node.account.invoices()[0]?.paymentHash ?? '');
    expect(await payment).toBe('payment-failed');
    expect((await market.buyer.result(jobId)).status).toBe('failed');
    await market.reaches(jobId, 'closed failed none');
    await until('the backend was let go', () => market.backend.aborts === 1);
    expect(await market.money()).toEqual(nothing);
  });

  test('that the node gave back while it was being taken: the same', async () => {
    const market = await openMarket();
    const { node } = market.seller;
    node.faults.settleInvoice = () => {
      delete node.faults.settleInvoice;
      node.expireHold(node.account.invoices()[0]?.paymentHash ?? '');
    };
    market.backend.will(answers(JSON_ANSWER));
    const { jobId, payment } = await payFor(market.buyer);
    expect(await payment).toBe('payment-failed');
    await market.reaches(jobId, 'closed * none');
    await market.buyer.settled();
    expect(market.buyer.all('stream-chunk', jobId)).toEqual([]);
    expect(market.buyer.all('result', jobId).map(({ status }) => status)).toEqual(['failed']);
    expect(await market.money()).toEqual(nothing);
  });

  test('is taken although the node is away for a while', async () => {
    const market = await openMarket();
    const { node } = market.seller;
    let calls = 0;
    node.faults.settleInvoice = () => {
      if (++calls > 2) delete node.faults.settleInvoice;
      throw unavailable();
    };
    const { jobId, payment } = await payFor(market.buyer);
    await market.advanceUntil(jobId, 'closed ended *');
    expect(calls).toBe(3);
    expect(await payment).toBe('no error');
    expect((await market.buyer.result(jobId)).status).toBe('ok');
    expect(market.buyer.delivery(jobId).bytes.toString()).toBe(JSON_ANSWER);
  });

  test('is taken although the node refuses for a moment: what is still held is not given up', async () => {
    const market = await openMarket();
    const { node } = market.seller;
    node.faults.settleInvoice = () => {
      delete node.faults.settleInvoice;
      throw new LightningError('refused', 'database is locked');
    };
    const { jobId, payment } = await payFor(market.buyer);
    await market.advanceUntil(jobId, 'closed ended *');
    expect(await payment).toBe('no error');
    expect((await market.buyer.result(jobId)).status).toBe('ok');
  });

  test('survives a restart while it is held: the job runs, and is served', async () => {
    const market = await openMarket();
    market.backend.will(staysSilent, answers(JSON_ANSWER));
    const { jobId, payment } = await payFor(market.buyer);
    await untilWorking(market, jobId);
    await market.restart();
    expect(stateOf(market)).not.toBe('cancelled');
    await market.meet();
    expect(await payment).toBe('no error');
    expect((await market.buyer.result(jobId)).status).toBe('ok');
    expect(market.backend.requests).toHaveLength(2);
  });

  test('that arrives while we are down is found at the next start', async () => {
    const market = await openMarket();
    const quote = await market.buyer.order();
    await market.seller.bury();
    const payment = codeOf(market.buyer.pay(quote));
    await market.openSeller();
    await market.meet();
    expect((await market.buyer.result(quote.jobId)).status).toBe('ok');
    expect(await payment).toBe('no error');
  });

  test('of an answer that breaks after it was taken becomes credit', async () => {
    const market = await openMarket();
    const hold = gate();
    market.backend.will(breaksAfter(delta('half'), hold));
    const { quote, jobId, payment } = await payFor(market.buyer, chat({ stream: true }));
    expect(await payment).toBe('no error');
    hold.open();
    expect((await market.buyer.result(jobId)).status).toBe('failed');
    await market.reaches(jobId, 'refunded failed *');
    expect(await market.money()).toMatchObject({ credit: quote.priceMsat, revenue: 0n });
  });
});
