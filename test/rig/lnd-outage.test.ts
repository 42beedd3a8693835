import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256 } from './recording-proxy.ts';
import { streamedChat } from './rig-buyer.ts';
import { SellerProcess } from './seller-process.ts';
import { sharedRig } from './shared-rig.ts';
import { startStandIn } from './stand-in-backend.ts';
import type { StandIn } from './stand-in-backend.ts';
import { Gate, fast, gated } from './stand-in-scripts.ts';
import { poll } from './poll.ts';
import { WireBuyer } from './wire-buyer.ts';

const rig = sharedRig();
let standIn: StandIn;
let seller: SellerProcess;
let wire: WireBuyer;

beforeAll(async () => {
  standIn = await startStandIn({ standin: fast(5) });
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

describe("an outage of the seller's lnd (SIGKILL)", () => {
  it('does not touch the job under way: it completes when lnd is back', async () => {
    const gate = new Gate();
    standIn.scripts.set('standin', gated(gate, 3, 60));
    const order = wire.order(streamedChat('standin'));
    await wire.quoteAndPay(order);
    await wire.hear(order, 'stream-chunk');
    await rig.seller.kill();
    await poll('news of the outage', 20_000, async () => !(await seller.health()).lightning.isUp);
    gate.open();
    await seller.books.untilJob('end of the run', order.jobId, ({ run }) => run === 'ended');
    await rig.seller.restart();
    await rig.connect();
    const { result, bytes } = await wire.outcome(order, 60_000);
    expect(result.status).toBe('ok');
    expect(sha256(bytes)).toBe(standIn.calls[0]?.sha256);
    expect(standIn.calls).toHaveLength(1);
    await seller.books.expectSound();
  });

  it('loses no payment that settled while the provider was down and before lnd was killed', async () => {
    standIn.scripts.set('standin', fast(6));
    standIn.calls.length = 0;
    const orders = [wire.order(streamedChat('standin'), 2), wire.order(streamedChat('standin'), 3)];
    const quotes = await Promise.all(orders.map((order) => wire.quote(order)));
    await seller.kill();
    for (const quote of quotes) await wire.pay(quote);
    await rig.seller.kill();
    await rig.seller.restart();
    await rig.connect();
    await seller.start();
    for (const order of orders) expect((await wire.outcome(order)).result.status).toBe('ok');
    expect(standIn.calls).toHaveLength(2);
    await seller.books.expectSound();
  });

  it('is no reason to take a quote back: it is paid when lnd has returned', async () => {
    standIn.calls.length = 0;
    const order = wire.order(streamedChat('standin'));
    const quote = await wire.quote(order);
    await rig.seller.kill();
    await rig.seller.restart();
    await rig.connect();
    await wire.pay(quote);
    expect((await wire.outcome(order, 60_000)).result.status).toBe('ok');
    expect(standIn.calls).toHaveLength(1);
    await seller.books.expectSound();
    seller.expectNoSecretLogged(['Hello there']);
  });
});
