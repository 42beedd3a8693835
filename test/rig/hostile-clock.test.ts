import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isAtRest } from '../../src/job/job.ts';
import { Market } from './market.ts';
import { chat, streamedChat } from './rig-buyer.ts';
import { sharedRig } from './shared-rig.ts';
import { Gate, fast, gated } from './stand-in-scripts.ts';

const rig = sharedRig();
const hourS = 3_600;
let market: Market;

beforeAll(async () => {
  market = await Market.open(rig, { isProbed: true });
});
afterAll(() => market[Symbol.asyncDispose]());

describe("the provider's clock", () => {
  it.each([
    ['ahead', hourS],
    ['back', -hourS],
  ])(
    'jumps an hour %s: what is paid is served or credited, and sales go on, before and after it is put right',
    async (_name, jumpS) => {
      const { wire, stranger, seller, standIn } = market;
      const gate = new Gate();
      standIn.scripts.set('standin', gated(gate, 3, 3));
      const [running, quoted] = [wire.order(streamedChat('standin')), wire.order(chat('standin'), 3)];
      await wire.quoteAndPay(running);
      await wire.hear(running, 'stream-chunk');
      const quote = await wire.quote(quoted);

      await seller.setClock(jumpS * 1000);
      for (const buyer of [wire, stranger]) buyer.lifetimeS = 300 + hourS; // else it is late before it has come
      gate.open();
      standIn.scripts.set('standin', fast(5));
      expect(['ok', 'failed']).toContain((await wire.outcome(running)).result.status);
      const isPaid = await wire.pay(quote).then(
        () => true,
        (error: { code: string }) => (error.code === 'payment-failed' ? false : Promise.reject(error as never)),
      );
      if (isPaid) await wire.outcome(quoted);
      for (let sale = 0; sale < 5; sale++) await market.expectGoodSale(wire); // more than the backend has slots
      await market.expectGoodSales();

      await seller.setClock(0);
      for (const buyer of [wire, stranger]) buyer.lifetimeS = 300;
      await market.expectGoodSales();
      for (const { jobId } of [running, ...(isPaid ? [quoted] : [])])
        await seller.books.untilJob('job at rest', jobId, (job) => isAtRest(job) || job.delivery === 'delivered');
    },
  );
});
