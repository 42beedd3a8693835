import { describe, expect, test } from 'vitest';
import { LedgerError } from '../../src/ledger/ledger.ts';
import { encodeModelParams } from '../../src/protocol/params.ts';
import { Market } from '../harness/market.ts';
import { answers, failsBefore } from '../harness/scripted-backend.ts';
import { chat, hex32 } from '../harness/wire-buyer.ts';
import { JSON_ANSWER } from '../harness/market.ts';

/** A sale that ended, so that the buyer has its remainder as credit. */
async function afterOneSale(market: Market): Promise<{ fullMsat: bigint; creditMsat: bigint }> {
  const quote = await market.buyer.order();
  await market.buyer.pay(quote);
  await market.buyer.result(quote.jobId);
  await market.reaches(quote.jobId, 'closed ended *');
  const { credit } = await market.money();
  return { fullMsat: quote.priceMsat, creditMsat: credit };
}

describe("a buyer's credit", () => {
  test('lowers its next quote by itself, and is reserved until that is paid and charged', async () => {
    const market = await Market.open();
    const { fullMsat, creditMsat } = await afterOneSale(market);
    expect(creditMsat).toBeGreaterThan(0n);
    const quote = await market.buyer.order();
    expect(quote.priceMsat).toBe(fullMsat - creditMsat);
    expect(await market.money()).toMatchObject({ credit: 0n, reserved: creditMsat });
    await market.buyer.pay(quote);
    expect((await market.buyer.result(quote.jobId)).status).toBe('ok');
    const { chargeMsat = 0n } = await market.reaches(quote.jobId, 'closed ended *');
    expect(await market.money()).toEqual({
      received: fullMsat + quote.priceMsat,
      revenue: 2n * chargeMsat,
      credit: fullMsat - chargeMsat,
      reserved: 0n,
    });
  });

  test('never makes a quote cheaper than the minimum price', async () => {
    const market = await Market.open();
    market.backend.will(failsBefore(false), answers(JSON_ANSWER));
    const failed = await market.buyer.order();
    await market.buyer.pay(failed);
    await market.reaches(failed.jobId, 'refunded failed *');
    const quote = await market.buyer.order();
    expect(quote.priceMsat).toBe(1000n);
    expect(await market.money()).toMatchObject({ credit: 1000n, reserved: failed.priceMsat - 1000n });
  });

  test('cannot be spent twice by quotes that are asked for at once', async () => {
    const market = await Market.open();
    const { fullMsat, creditMsat } = await afterOneSale(market);
    const quotes = await Promise.all([market.buyer.order(), market.buyer.order(), market.buyer.order()]);
    const given = quotes.map(({ priceMsat }) => fullMsat - priceMsat);
    expect(given.toSorted((a, b) => Number(b - a))).toEqual([creditMsat, 0n, 0n]);
    expect(await market.money()).toMatchObject({ credit: 0n, reserved: creditMsat });
  });

  test('is free again when the quote is cancelled, and not before the node has confirmed it', async () => {
    const market = await Market.open();
    const { fullMsat, creditMsat } = await afterOneSale(market);
    const first = await market.buyer.order();
    const asked = Promise.withResolvers<void>();
    const confirmed = Promise.withResolvers<void>();
    market.seller.node.faults.cancelInvoice = async () => {
      asked.resolve();
      await confirmed.promise;
    };
    await market.buyer.cancel(first.jobId);
    await asked.promise;
    expect((await market.buyer.order()).priceMsat).toBe(fullMsat);
    expect(await market.money()).toMatchObject({ credit: 0n, reserved: creditMsat });
    confirmed.resolve();
    expect((await market.buyer.result(first.jobId)).status).toBe('cancelled');
    await market.reaches(first.jobId, 'closed none none');
    expect((await market.buyer.order()).priceMsat).toBe(fullMsat - creditMsat);
  });

  test('is free again when the quote expires, and survives a crash meanwhile', async () => {
    const market = await Market.open();
    const { fullMsat, creditMsat } = await afterOneSale(market);
    const { jobId } = await market.buyer.order();
    await market.restart();
    expect(await market.money()).toMatchObject({ credit: 0n, reserved: creditMsat });
    await market.clock.advance(300_000);
    await market.reaches(jobId, 'closed none none');
    expect(await market.money()).toMatchObject({ credit: creditMsat, reserved: 0n });
    await market.meet();
    expect((await market.buyer.order()).priceMsat).toBe(fullMsat - creditMsat);
  });

  test('comes back whole, with the payment, when the job fails by our fault', async () => {
    const market = await Market.open();
    const { creditMsat } = await afterOneSale(market);
    market.backend.will(failsBefore(false));
    const quote = await market.buyer.order();
    await market.buyer.pay(quote);
    await market.reaches(quote.jobId, 'refunded failed *');
    expect(await market.money()).toMatchObject({ credit: creditMsat + quote.priceMsat, reserved: 0n });
  });

  test('stays what it is when a quote that uses it cannot be saved, whatever is asked meanwhile', async () => {
    const asked = Promise.withResolvers<void>();
    const failed = Promise.withResolvers<never>();
    let isArmed = false;
    const onLedger = (method: string, args: readonly unknown[]): unknown => {
      if (!isArmed || method !== 'commit' || (args[0] as { input?: unknown }).input === undefined) return undefined;
      isArmed = false;
      asked.resolve();
      return failed.promise;
    };
    const market = await Market.open(2, { onLedger });
    const { fullMsat, creditMsat } = await afterOneSale(market);
    isArmed = true;
    const jobId = hex32();
    await market.buyer.request(jobId);
    await market.buyer.input(jobId, chat());
    await asked.promise;
    await market.buyer.request(jobId, { params: encodeModelParams('another') });
    await market.buyer.cancel(jobId);
    await market.breathe();
    failed.reject(new LedgerError('disk-full', 'no room'));
    await market.breathe();
    expect(await market.job(jobId)).toBeUndefined();
    expect(market.seller.fatal).toEqual([]);
    expect(await market.money()).toMatchObject({ credit: creditMsat, reserved: 0n });
    expect((await market.buyer.order()).priceMsat).toBe(fullMsat - creditMsat);
  });

  test('belongs to its node: nobody else gets cheaper quotes', async () => {
    const market = await Market.open();
    const { fullMsat } = await afterOneSale(market);
    const other = await market.anotherBuyer('other');
    expect((await other.order(undefined, hex32())).priceMsat).toBe(fullMsat);
  });
});
