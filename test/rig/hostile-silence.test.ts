import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { whileStandingStill } from './buyer-lnd.ts';
import { healthDuring } from './health-watch.ts';
import { Market } from './market.ts';
import { sha256 } from './recording-proxy.ts';
import { streamedChat } from './rig-buyer.ts';
import { sharedRig } from './shared-rig.ts';
import type { Script } from './stand-in-backend.ts';
import { Gate, gated, large } from './stand-in-scripts.ts';
import { poll } from './poll.ts';
import { WireBuyer } from './wire-buyer.ts';

const rig = sharedRig();
const answerBytes = 12_000_000; // more than the sockets between the nodes hold
const silentForMs = 6_000;
let market: Market;

beforeAll(async () => {
  market = await Market.open(rig);
});
afterAll(() => market[Symbol.asyncDispose]());
afterEach(() => market.expectGoodSales());

const largeAfter =
  (gate: Gate): Script =>
  async (call) => {
    await gate.whenOpen;
    await large(answerBytes)(call);
  };

describe('a buyer that stops reading', () => {
  it('because its lnd stands still holds up nobody, and has its answer when it goes on', async () => {
    const { wire, stranger, seller, standIn } = market;
    const gate = new Gate();
    standIn.scripts.set('standin', largeAfter(gate));
    const unread = wire.order(streamedChat('standin', { max_tokens: 8000 }));
    await wire.quoteAndPay(unread);
    await poll('the run of it', 10_000, async () => standIn.calls.length === 1);
    standIn.scripts.set('standin', gated(gate, 0, 3));
    const other = stranger.order(streamedChat('standin'), 3);
    await stranger.quoteAndPay(other); // while its payer still can

    await whileStandingStill(rig, async () => {
      const stoppedMs = performance.now();
      const health = await healthDuring(seller, async () => {
        gate.open();
        expect((await stranger.outcome(other, 5_000)).result.status).toBe('ok');
        await seller.books.untilJob('end of the run', unread.jobId, ({ run }) => run === 'ended', 10_000);
        const begunMs = performance.now();
        await stranger.quote(stranger.order(streamedChat('standin')));
        expect(performance.now() - begunMs).toBeLessThan(2_000);
        await delay(stoppedMs + silentForMs - performance.now());
      });
      expect(health.slowestMs).toBeLessThan(1_000);
      expect(wire.of(unread, 'result')).toEqual([]);
    });
    await rig.connect();
    const { result, bytes } = await wire.outcome(unread, 60_000);
    expect(result.status).toBe('ok');
    expect(sha256(bytes)).toBe(standIn.calls[0]?.sha256);
    expect(standIn.calls).toHaveLength(2);
  });

  it('because its program went away has its answer when the program asks again', async () => {
    const { stranger, standIn } = market;
    const calls = standIn.calls.length;
    const gate = new Gate();
    standIn.scripts.set('standin', gated(gate, 3, 3));
    const gone = await WireBuyer.start(rig);
    const order = gone.order(streamedChat('standin'), 3);
    await gone.quoteAndPay(order);
    await gone.hear(order, 'stream-chunk');
    await gone[Symbol.asyncDispose]();
    gate.open();
    await market.expectGoodSale(stranger);

    await using back = await WireBuyer.start(rig);
    await back.request(order);
    const { result, bytes } = await back.outcome(order);
    expect(result.status).toBe('ok');
    expect(sha256(bytes)).toBe(standIn.calls[calls]?.sha256);
    expect(standIn.calls).toHaveLength(calls + 2);
  });
});
