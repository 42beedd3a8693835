import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { buyersMsat } from './buyer-lnd.ts';
import { raceCancels } from './cancel-race.ts';
import { Market } from './market.ts';
import { sha256 } from './recording-proxy.ts';
import { streamedChat } from './rig-buyer.ts';
import { chargeOf } from './seller-process.ts';
import { sharedRig } from './shared-rig.ts';
import { Gate, gated } from './stand-in-scripts.ts';
import { poll } from './poll.ts';

const rig = sharedRig();
const versions = [2, 3] as const;
const body = streamedChat('standin');
let market: Market;

beforeAll(async () => {
  market = await Market.open(rig, { scripts: { endless: gated(new Gate(), 3, 0) } });
});
afterAll(() => market[Symbol.asyncDispose]());
afterEach(() => market.expectGoodSales());

describe('one payment', () => {
  it.each(versions)('v0.%i: gets one run, however often it is asked for', async (version) => {
    const { wire, seller, standIn } = market;
    const calls = standIn.calls.length;
    const order = wire.order(body, version);
    await wire.quoteAndPay(order);
    await wire.request(order); // paid, perhaps running
    await wire.hear(order, 'result');
    await seller.books.untilJob('delivered job', order.jobId, ({ delivery }) => delivery === 'delivered');
    const count = wire.of(order, 'result').length + 1;
    await wire.request(order);
    await wire.hear(order, 'result', { count });
    expect(sha256(wire.answer(order).bytes)).toBe(standIn.calls.at(-1)?.sha256);
    expect(wire.of(order, 'error')).toEqual([]);
    expect(standIn.calls).toHaveLength(calls + 1);
  });

  it('gets the answer again when it is asked for as soon as the result is there', async () => {
    const { wire, standIn } = market;
    const calls = standIn.calls.length;
    const order = wire.order(body, 3);
    await wire.quoteAndPay(order);
    await wire.hear(order, 'result');
    await wire.request(order);
    await wire.hear(order, 'result', { count: 2, deadlineMs: 10_000 });
    expect(wire.answer(order).repeated).toBeGreaterThan(0);
    expect(standIn.calls).toHaveLength(calls + 1);
  });

  it.each(versions)('v0.%i: can not be made twice: lnd refuses, and the answer is the stored one', async (version) => {
    const { wire, seller, standIn, rig: nodes } = market;
    const calls = standIn.calls.length;
    const order = wire.order(body, version);
    const quote = await wire.quoteAndPay(order);
    await wire.hear(order, 'result');
    const [before, balances] = [await buyersMsat(nodes), seller.books.read().balances];
    await expect(nodes.buyer.lncli('payinvoice', '--force', '--json', quote.paymentRequest)).rejects.toThrow(/paid/);
    expect(await buyersMsat(nodes)).toBe(before);
    const count = wire.of(order, 'result').length + 1;
    await wire.request(order);
    await wire.hear(order, 'result', { count });
    expect(sha256(wire.answer(order).bytes)).toBe(standIn.calls.at(-1)?.sha256);
    expect(standIn.calls).toHaveLength(calls + 1);
    expect(seller.books.read().balances).toEqual(balances);
  });
});

describe('a cancel', () => {
  it.each(versions)('v0.%i: leaves nothing that could be paid', async (version) => {
    const { wire, seller, standIn } = market;
    const calls = standIn.calls.length;
    const order = wire.order(body, version);
    const quote = await wire.quote(order);
    await wire.send({ kind: 'cancel', version, jobId: order.jobId });
    expect((await wire.hear(order, 'result')).status).toBe('cancelled');
    await expect(wire.pay(quote)).rejects.toMatchObject({ code: 'payment-failed' });
    const job = await seller.books.untilJob('closed job', order.jobId, ({ funding }) => funding === 'closed');
    expect(job.receivedMsat).toBeUndefined();
    expect(standIn.calls).toHaveLength(calls);
  });

  it.each(versions)('v0.%i: pays what was produced until then, and no more', async (version) => {
    const { wire, seller, standIn } = market;
    const calls = standIn.calls.length;
    const order = wire.order(streamedChat('endless'), version);
    await wire.quoteAndPay(order);
    await poll('three tokens', 10_000, async () => wire.answer(order).bytes.includes('before 2'));
    await wire.send({ kind: 'cancel', version, jobId: order.jobId });
    expect((await wire.hear(order, 'result')).status).toBe('cancelled');
    await standIn.calls.at(-1)?.whenOver(); // the work upstream ends too
    const { funding, chargeMsat, breakdown } = seller.books.job(order.jobId)!;
    expect(funding).toBe('closed');
    expect(chargeMsat).toBe(chargeOf(breakdown.inputTokens, Math.ceil((3 * 'before 0 '.length) / 4))); // more than three events are
    expect(standIn.calls).toHaveLength(calls + 1);
  });

  it('at the moment of the payment ends as served or as credit, never as a loss', { timeout: 90_000 }, async () => {
    const ends = await raceCancels(market, 20);
    expect(ends.unpaid, JSON.stringify(ends)).toBeGreaterThan(0);
    expect(ends.served + ends.credited, JSON.stringify(ends)).toBeGreaterThan(0);
  });
});
