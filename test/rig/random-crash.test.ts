import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Order } from '../../src/buyer/order.ts';
import { REVENUE, buyerAccount } from '../../src/job/entry.ts';
import { isAtRest } from '../../src/job/job.ts';
import type { Quote } from '../../src/protocol/messages.ts';
import { takeApart } from './buyer-lnd.ts';
import { streamedChat } from './rig-buyer.ts';
import { SellerProcess } from './seller-process.ts';
import { sharedRig } from './shared-rig.ts';
import { startStandIn } from './stand-in-backend.ts';
import type { StandIn } from './stand-in-backend.ts';
import { drip } from './stand-in-scripts.ts';
import { WireBuyer } from './wire-buyer.ts';

const KILLS = 50;
/** A sale takes about this long here, from the request to the last byte. */
const SALE_MS = 700;

const rig = sharedRig();
let standIn: StandIn;
let seller: SellerProcess;
let wire: WireBuyer;

beforeAll(async () => {
  standIn = await startStandIn({ standin: drip({ forMs: 250, everyMs: 10 }) });
  const backend = { driver: 'openai', url: standIn.url } as const;
  seller = await SellerProcess.start({ lnd: rig.seller, backend, models: ['standin'] });
  wire = await WireBuyer.start(rig);
  await wire.introduce(seller);
});
afterAll(async () => {
  await wire[Symbol.asyncDispose]();
  await seller[Symbol.asyncDispose]();
  await standIn[Symbol.asyncDispose]();
});

/** Buys as a stubborn buyer does: asks again until there is a quote, pays it, and waits for the result. */
async function buyStubbornly(order: Order): Promise<Quote> {
  for (;;) {
    await wire.request(order).catch(() => undefined);
    const quote = await wire.hear(order, 'quote', { deadlineMs: 3_000 }).catch(() => undefined);
    if (quote === undefined) continue;
    await wire.pay(quote);
    return quote;
  }
}

const body = streamedChat('standin', { max_tokens: 200 });

describe('a provider that is killed (SIGKILL) at any moment of a sale', () => {
  it(
    `serves or credits every paid job, ${KILLS} times, and the next quote shows the credit`,
    { timeout: 540_000 },
    async () => {
      const orders: Order[] = [];
      for (let kill = 0; kill < KILLS; kill++) {
        const pair = [wire.order(body, 2), wire.order(body, 3)];
        orders.push(...pair);
        const bought = Promise.all(pair.map(buyStubbornly));
        // Spread evenly over the sale, with some of chance in it.
        await delay(((kill + Math.random()) / KILLS) * SALE_MS);
        await seller.restart();
        await bought;
        await Promise.all(pair.map((order) => wire.outcome(order)));
      }
      await takeApart(rig); // whatever is still to be delivered again is delivered now
      await rig.connect();
      const account = buyerAccount(rig.buyer.nodeId);
      let [served, credited] = [0, 0];
      for (const order of orders) {
        const job = await seller.books.untilJob('job at rest', order.jobId, isAtRest);
        const { result, bytes } = await wire.outcome(order);
        const own = seller.books.read().entries.filter(({ jobKey }) => jobKey === job.key);
        const given = own.filter(({ to }) => to === account).reduce((sum, { amountMsat }) => sum + amountMsat, 0n);
        const coverMsat = (job.receivedMsat ?? 0n) + (job.reservedMsat ?? 0n);
        expect(job.receivedMsat, 'paid once').toBe(job.terms.priceMsat);
        if (result.status === 'ok') {
          served++;
          expect(standIn.calls.some(({ sha256 }) => sha256 === job.output?.sha256)).toBe(true);
          expect(bytes).toHaveLength(job.output?.bytes ?? -1);
          expect(given + (job.chargeMsat ?? 0n)).toBe(coverMsat);
        } else {
          credited++;
          expect(given).toBe(coverMsat);
        }
      }
      expect(served + credited).toBe(2 * KILLS);
      expect(
        [served, credited].every((count) => count > 0),
        `${served} served, ${credited} credited`,
      ).toBe(true);
      await seller.books.expectSound();
      const credit = seller.books.balance(account);
      expect(credit).toBeGreaterThan(0n);
      expect(seller.books.balance(REVENUE)).toBeGreaterThan(0n);
      const order = wire.order(body, 2);
      const quote = await wire.quote(order);
      const job = await seller.books.untilJob('quoted job', order.jobId, ({ funding }) => funding === 'open');
      const { priceMsat, minPriceMsat } = job.breakdown;
      expect(quote.priceMsat).toBe(priceMsat - credit < minPriceMsat ? minPriceMsat : priceMsat - credit);
      await wire.send({ kind: 'cancel', version: 2, jobId: order.jobId });
    },
  );
});
