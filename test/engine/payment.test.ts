import { describe, expect, test } from 'vitest';
import { LightningError } from '../../src/lightning/lightning.ts';
import { msat } from '../../src/money/msat.ts';
import { codeOf } from '../lightning/contract.ts';
import { unavailable } from '../harness/fake-node.ts';
import { JSON_ANSWER, Market } from '../harness/market.ts';
import { chat, hex32 } from '../harness/wire-buyer.ts';
import { until } from '../harness/until.ts';

const nothing = { received: 0n, revenue: 0n, credit: 0n, reserved: 0n };

describe.each([2] as const)('an invoice of LCP v0.%i', (version) => {
  test('dies with its quote: nobody can pay any more', async () => {
    const market = await Market.open(version);
    const quote = await market.buyer.order();
    await market.clock.advance(300_000);
    await market.reaches(quote.jobId, 'closed none none');
    expect(market.seller.node.account.invoices()).toMatchObject([{ state: 'cancelled' }]);
    expect(await codeOf(market.buyer.pay(quote))).toBe('payment-failed');
    expect(await market.seller.ledger.input(market.keyOf(quote.jobId))).toBeUndefined();
    expect(await market.money()).toEqual(nothing);
  });

  test('that is paid while its cancellation is on its way is served', async () => {
    const market = await Market.open(version);
    const { buyer, seller, clock } = market;
    const quote = await buyer.order();
    seller.node.faults.cancelInvoice = () => {
      delete seller.node.faults.cancelInvoice;
      seller.node.account.settle(seller.node.account.invoices()[0]?.paymentHash ?? '');
    };
    await clock.advance(300_000);
    expect((await buyer.result(quote.jobId)).status).toBe('ok');
    expect(buyer.delivery(quote.jobId).bytes.toString()).toBe(JSON_ANSWER);
    expect(await market.money()).toMatchObject({ received: quote.priceMsat, revenue: 70_000n });
  });

  test('that is paid while the buyer cancels becomes credit, and the buyer hears it once', async () => {
    const market = await Market.open(version);
    const { buyer, seller, backend } = market;
    const quote = await buyer.order();
    seller.node.faults.cancelInvoice = () => {
      delete seller.node.faults.cancelInvoice;
      seller.node.account.settle(seller.node.account.invoices()[0]?.paymentHash ?? '');
    };
    await buyer.cancel(quote.jobId);
    expect((await buyer.result(quote.jobId)).status).toBe('cancelled');
    await market.reaches(quote.jobId, 'refunded none none');
    await buyer.settled();
    expect(buyer.all('result', quote.jobId)).toHaveLength(1);
    expect(backend.requests).toEqual([]);
    expect(await market.money()).toEqual({
      received: quote.priceMsat,
      revenue: 0n,
      credit: quote.priceMsat,
      reserved: 0n,
    });
  });

  test('that a payer holds open is cancelled, not served', async () => {
    const market = await Market.open(version);
    const { buyer, seller, backend } = market;
    const quote = await buyer.order();
    const paymentHash = seller.node.account.invoices()[0]?.paymentHash ?? '';
    seller.node.watchInvoice(paymentHash);
    seller.node.account.hold(paymentHash);
    await market.reaches(quote.jobId, 'closed none none');
    expect(backend.requests).toEqual([]);
    expect(await market.money()).toEqual(nothing);
  });

  test('that somebody cancelled behind our back ends the job with quote_expired', async () => {
    const market = await Market.open(version);
    const { buyer, seller } = market;
    const quote = await buyer.order();
    const paymentHash = seller.node.account.invoices()[0]?.paymentHash ?? '';
    seller.node.watchInvoice(paymentHash);
    seller.node.account.cancelBehindOurBack(paymentHash);
    expect(await buyer.errorCode(quote.jobId)).toBe(version === 2 ? 3 : 4);
    await market.reaches(quote.jobId, 'closed none none');
  });

  test('that the node refuses is told as payment_required', async () => {
    const market = await Market.open(version);
    market.seller.node.faults.createInvoice = () => {
      throw new LightningError('refused', 'no');
    };
    const jobId = hex32();
    await market.buyer.request(jobId);
    await market.buyer.input(jobId, chat());
    expect(await market.buyer.errorCode(jobId)).toBe(version === 2 ? 4 : 5);
    await market.reaches(jobId, 'closed none none');
  });
});

test('a buyer that pays without reading its quote has its run started all the same', async () => {
  const market = await Market.open();
  const { buyer, seller } = market;
  const jobId = hex32();
  seller.node.stuck.add(buyer.node.nodeId);
  await buyer.request(jobId);
  await buyer.input(jobId, chat());
  const { paymentRequest = '' } = await market.reaches(jobId, 'open none none');
  await buyer.node.pay({ paymentRequest, maxFeeMsat: msat(0n), timeoutMs: 60_000 });
  await market.reaches(jobId, 'closed ended *');
});

describe('a Lightning node that is away', () => {
  test('delays the quote until it is back', async () => {
    const market = await Market.open();
    const { buyer, seller, clock } = market;
    seller.node.faults.createInvoice = unavailable;
    const jobId = hex32();
    await buyer.request(jobId);
    await buyer.input(jobId, chat());
    await market.reaches(jobId, 'invoicing none none');
    await clock.advance(10_000);
    expect(buyer.about(jobId)).toEqual([]);
    delete seller.node.faults.createInvoice;
    await clock.advance(1_000);
    await buyer.pay(await buyer.hear('quote', jobId));
    expect((await buyer.result(jobId)).status).toBe('ok');
  });

  test('for longer than the quote would live ends the job, with no invoice and nothing owed', async () => {
    const market = await Market.open();
    const { buyer, seller, clock } = market;
    seller.node.faults.createInvoice = unavailable;
    const jobId = hex32();
    await buyer.request(jobId);
    await buyer.input(jobId, chat());
    await market.reaches(jobId, 'invoicing none none');
    for (let second = 0; second < 302; second++) await clock.advance(1_000);
    await market.reaches(jobId, 'closed none none');
    expect(seller.node.account.invoices()).toEqual([]);
    expect(buyer.all('quote', jobId)).toEqual([]);
  });

  test('when an invoice must be cancelled is asked again until it has done it', async () => {
    const market = await Market.open();
    const { buyer, seller, clock } = market;
    const quote = await buyer.order();
    seller.node.faults.cancelInvoice = unavailable;
    await buyer.cancel(quote.jobId);
    await market.reaches(quote.jobId, 'closing none none');
    await clock.advance(5_000);
    expect(buyer.all('result', quote.jobId)).toEqual([]);
    delete seller.node.faults.cancelInvoice;
    await clock.advance(8_000);
    expect((await buyer.result(quote.jobId)).status).toBe('cancelled');
  });

  test('when a payment settles has it found as soon as it is back', async () => {
    const market = await Market.open();
    const { buyer, seller } = market;
    const quote = await buyer.order();
    const back = seller.node.outage();
    await buyer.pay(quote);
    expect(buyer.all('result', quote.jobId)).toEqual([]);
    back();
    expect((await buyer.result(quote.jobId)).status).toBe('ok');
    expect(await market.money()).toMatchObject({ received: quote.priceMsat, reserved: 0n });
  });

  test('tells a settlement twice, and it counts once', async () => {
    const market = await Market.open();
    const { buyer, seller } = market;
    const quote = await buyer.order();
    await buyer.pay(quote);
    seller.node.account.settle(seller.node.account.invoices()[0]?.paymentHash ?? '');
    await buyer.result(quote.jobId);
    expect(await market.money()).toMatchObject({ received: quote.priceMsat, reserved: 0n });
  });

  test('and a payment to a closed job becomes credit, whoever made it', async () => {
    const market = await Market.open();
    const { buyer, seller, clock } = market;
    const quote = await buyer.order();
    await clock.advance(300_000);
    await market.reaches(quote.jobId, 'closed none none');
    seller.node.account.settle(seller.node.account.invoices()[0]?.paymentHash ?? '');
    await until('it is booked', async () => (await market.money()).credit > 0n);
    expect(await market.money()).toEqual({
      received: quote.priceMsat,
      revenue: 0n,
      credit: quote.priceMsat,
      reserved: 0n,
    });
  });

  test('more is paid than was asked: the surplus is credit', async () => {
    const market = await Market.open();
    const { buyer, seller } = market;
    const quote = await buyer.order();
    seller.node.account.settle(seller.node.account.invoices()[0]?.paymentHash ?? '', quote.priceMsat * 2n);
    await buyer.result(quote.jobId);
    expect(await market.money()).toEqual({
      received: quote.priceMsat * 2n,
      revenue: 70_000n,
      credit: quote.priceMsat * 2n - 70_000n,
      reserved: 0n,
    });
  });
});
