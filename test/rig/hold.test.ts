import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Order } from '../../src/buyer/order.ts';
import { buyersMsat } from './buyer-lnd.ts';
import { sha256 } from './recording-proxy.ts';
import { RigBuyer, chat, streamedChat } from './rig-buyer.ts';
import { SellerProcess, chargeOf } from './seller-process.ts';
import { sharedRig } from './shared-rig.ts';
import { startStandIn } from './stand-in-backend.ts';
import type { StandIn } from './stand-in-backend.ts';
import { Gate, breakOff, fast, gated, promptTokens } from './stand-in-scripts.ts';
import { poll } from './poll.ts';
import { WireBuyer } from './wire-buyer.ts';

const rig = sharedRig();
const versions = [2, 3] as const;
let standIn: StandIn;
let seller: SellerProcess;
let wire: WireBuyer;

beforeAll(async () => {
  standIn = await startStandIn({ standin: fast(5), silent: gated(new Gate(), 0, 0), broken: breakOff(0) });
  const backend = { driver: 'openai', url: standIn.url } as const;
  const config = { payment: { mode: 'hold', hold_seconds: 20 } };
  seller = await SellerProcess.start({ lnd: rig.seller, backend, models: ['standin', 'silent', 'broken'], config });
  wire = await WireBuyer.start(rig);
  await wire.introduce(seller);
});
beforeEach(() => {
  standIn.calls.length = 0;
});
afterAll(async () => {
  await wire[Symbol.asyncDispose]();
  await seller[Symbol.asyncDispose]();
  await standIn[Symbol.asyncDispose]();
});

/** Quote and payment; the payment's end is for later. */
async function orderAndPay(order: Order): Promise<{ priceMsat: bigint; paid: Promise<string> }> {
  const quote = await wire.quote(order);
  const paid = wire.pay(quote).then(
    () => 'paid',
    (error: { code: string }) => error.code,
  );
  return { priceMsat: quote.priceMsat, paid };
}

const untilHeld = (order: Order) =>
  seller.books.untilJob('held payment', order.jobId, ({ funding, run }) => funding === 'held' && run === 'running');

describe('hold mode over lnd', { timeout: 90_000 }, () => {
  it.each(versions)('v0.%i: an answer is served, and charged as any other', async (version) => {
    const order = wire.order(streamedChat('standin'), version);
    const { priceMsat, paid } = await orderAndPay(order);
    const { result, bytes } = await wire.outcome(order);
    expect([result.status, await paid]).toEqual(['ok', 'paid']);
    expect(sha256(bytes)).toBe(standIn.calls[0]?.sha256);
    const job = await seller.books.untilJob('closed job', order.jobId, ({ funding }) => funding === 'closed');
    expect(job).toMatchObject({ paymentMode: 'hold', receivedMsat: priceMsat, chargeMsat: chargeOf(promptTokens, 5) });
    await seller.books.expectSound();
  });

  it.each(versions)(
    'v0.%i: a backend that fails before its first byte costs the buyer not one msat',
    async (version) => {
      const before = await buyersMsat(rig);
      const order = wire.order(streamedChat('broken'), version);
      const { paid } = await orderAndPay(order);
      expect(await paid).toBe('payment-failed');
      expect((await wire.hear(order, 'result')).status).toBe('failed');
      expect(await buyersMsat(rig)).toBe(before);
      expect(wire.of(order, 'stream-begin')).toEqual([]);
      await seller.books.untilJob('closed job', order.jobId, ({ funding }) => funding === 'closed');
      expect(seller.books.read().entries.filter(({ jobKey }) => jobKey.endsWith(order.jobId))).toEqual([]);
    },
  );

  it('our own buyer is told that its payment failed, and owns what it owned', async () => {
    await using buyer = await RigBuyer.start(rig);
    await buyer.untilProviderKnown();
    const before = await buyersMsat(rig);
    await expect(buyer.buy({ body: chat('broken') })).rejects.toThrow(/pa(id|yment)/i);
    expect(await buyersMsat(rig)).toBe(before);
  });

  it('a backend that says nothing until the deadline of the hold costs nothing', async () => {
    const before = await buyersMsat(rig);
    const order = wire.order(streamedChat('silent'));
    const { paid } = await orderAndPay(order);
    await untilHeld(order);
    expect(await paid).toBe('payment-failed');
    expect(await buyersMsat(rig)).toBe(before);
    await standIn.calls[0]?.whenOver();
  });

  it('a cancel before the first byte costs nothing', async () => {
    const before = await buyersMsat(rig);
    const order = wire.order(streamedChat('silent'), 3);
    const { paid } = await orderAndPay(order);
    await untilHeld(order);
    await wire.send({ kind: 'cancel', version: 3, jobId: order.jobId });
    expect(await paid).toBe('payment-failed');
    expect((await wire.hear(order, 'result')).status).toBe('cancelled');
    expect(await buyersMsat(rig)).toBe(before);
  });

  it('a payment that is held over kill -9 is served by the next start', async () => {
    const order = wire.order(streamedChat('silent'));
    const { paid } = await orderAndPay(order);
    await untilHeld(order);
    await poll('the first attempt', 10_000, async () => standIn.calls.length === 1);
    await seller.kill();
    standIn.scripts.set('silent', fast(3));
    await seller.start();
    expect((await wire.outcome(order)).result.status).toBe('ok');
    expect(await paid).toBe('paid');
    expect(standIn.calls).toHaveLength(2);
    standIn.scripts.set('silent', gated(new Gate(), 0, 0));
    await seller.books.expectSound();
  });

  it('a payment that is held while our lnd restarts is served', async () => {
    const gate = new Gate();
    standIn.scripts.set('silent', gated(gate, 0, 3));
    const order = wire.order(streamedChat('silent'), 3);
    const { paid } = await orderAndPay(order);
    await untilHeld(order);
    await rig.seller.kill();
    await poll('news of the outage', 20_000, async () => !(await seller.health()).lightning.isUp);
    gate.open();
    await rig.seller.restart();
    await rig.connect();
    expect((await wire.outcome(order, 60_000)).result.status).toBe('ok');
    expect(await paid).toBe('paid');
    await seller.books.expectSound();
  });
});
