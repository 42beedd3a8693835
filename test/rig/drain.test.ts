import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Order } from '../../src/buyer/order.ts';
import { errorName } from '../../src/protocol/error-code.ts';
import { sha256 } from './recording-proxy.ts';
import { streamedChat } from './rig-buyer.ts';
import { SellerProcess } from './seller-process.ts';
import { sharedRig } from './shared-rig.ts';
import { startStandIn } from './stand-in-backend.ts';
import type { StandIn } from './stand-in-backend.ts';
import { Gate, fast, gated } from './stand-in-scripts.ts';
import { until } from './until.ts';
import { WireBuyer } from './wire-buyer.ts';

const rig = sharedRig();
let gate: Gate;
let standIn: StandIn;
let seller: SellerProcess;
let wire: WireBuyer;

beforeEach(async () => {
  gate = new Gate();
  standIn = await startStandIn({ fast: fast(), standin: gated(gate, 3, 20) });
  const backend = { driver: 'openai', url: standIn.url } as const;
  seller = await SellerProcess.start({ lnd: rig.seller, backend, models: ['standin', 'fast'] });
  wire = await WireBuyer.start(rig);
  await wire.introduce(seller);
});
afterEach(async () => {
  await wire[Symbol.asyncDispose]();
  await seller[Symbol.asyncDispose]();
  await standIn[Symbol.asyncDispose]();
});

/** A job whose answer has begun and does not end before the gate opens. */
async function jobUnderWay(): Promise<Order> {
  const order = wire.order(streamedChat('standin'));
  await wire.quoteAndPay(order);
  await wire.hear(order, 'stream-chunk');
  return order;
}

const untilDraining = () => until('draining', 10_000, async () => (await seller.health()).status === 'draining');

describe('a provider that is asked to end (SIGTERM)', () => {
  it('makes no new quotes, finishes the paid job, and exits with 0', async () => {
    const paid = await jobUnderWay();
    const ended = seller.stop();
    await untilDraining();
    for (const version of [2, 3] as const) {
      const late = wire.order(streamedChat('standin'), version);
      await wire.request(late);
      const { code } = await wire.hear(late, 'error');
      expect(errorName(version, code)).toBe('rate-limited');
      expect(wire.of(late, 'quote')).toEqual([]);
    }
    gate.open();
    const { result, bytes } = await wire.outcome(paid);
    expect(result.status).toBe('ok');
    expect(sha256(bytes)).toBe(standIn.calls[0]?.sha256);
    expect(await ended).toBe(0);
    expect(standIn.calls).toHaveLength(1);
    expect(seller.books.job(paid.jobId)).toMatchObject({ funding: 'closed', delivery: 'delivered' });
    await seller.books.expectSound();
  });

  it('serves a job that was paid while it drained', async () => {
    const quoted = wire.order(streamedChat('fast'), 3);
    const quote = await wire.quote(quoted);
    await jobUnderWay();
    const ended = seller.stop();
    await untilDraining();
    await wire.pay(quote);
    expect((await wire.outcome(quoted)).result.status).toBe('ok');
    gate.open();
    expect(await ended).toBe(0);
    await seller.books.expectSound();
  });

  it('ends at once when asked twice; quotes that were open are served after the next start', async () => {
    const quoted = wire.order(streamedChat('fast'), 3);
    const quote = await wire.quote(quoted);
    const broken = await jobUnderWay();
    const ended = seller.stop();
    await untilDraining();
    const again = setInterval(() => void seller.stop(), 100);
    expect(await ended).toBe(1);
    clearInterval(again);
    await wire.pay(quote);
    await seller.start();
    expect((await wire.outcome(quoted)).result.status).toBe('ok');
    expect((await wire.outcome(broken)).result.status).toBe('failed');
    expect(seller.books.job(broken.jobId)).toMatchObject({ funding: 'refunded' });
    expect(standIn.calls.map(({ model }) => model)).toEqual(['standin', 'fast']);
    await seller.books.expectSound();
  });
});
