import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RigBuyer, streamedChat } from './rig-buyer.ts';
import { SellerProcess } from './seller-process.ts';
import { sharedRig } from './shared-rig.ts';
import { startStandIn } from './stand-in-backend.ts';
import type { StandIn } from './stand-in-backend.ts';
import { fast } from './stand-in-scripts.ts';
import { WireBuyer } from './wire-buyer.ts';

const rig = sharedRig();
/** The last repeat of a manifest comes after 5 s. */
const learnsWithinMs = 7_000;
let standIn: StandIn;
let seller: SellerProcess;

beforeAll(async () => {
  standIn = await startStandIn({ standin: fast(5) });
  const backend = { driver: 'openai', url: standIn.url } as const;
  seller = await SellerProcess.start({ lnd: rig.seller, backend, models: ['standin'] });
});
afterAll(async () => {
  await seller[Symbol.asyncDispose]();
  await standIn[Symbol.asyncDispose]();
});

const body = streamedChat('standin');

describe('manifests, while the connection of the peers stays', () => {
  it('a buyer that says nothing new can still buy after the provider has restarted', async () => {
    await using wire = await WireBuyer.start(rig);
    await wire.introduce(seller);
    await seller.restart();
    for (const version of [2, 3] as const) {
      const order = wire.order(body, version);
      await wire.quoteAndPay(order);
      expect((await wire.outcome(order)).result.status).toBe('ok');
    }
  });

  it('our buyer goes on buying over a restart of the provider', async () => {
    await using buyer = await RigBuyer.start(rig);
    await buyer.untilProviderKnown();
    const before = await buyer.buy({ body });
    await seller.restart();
    expect((await buyer.buy({ body, version: 3 })).sha256).toBe(before.sha256);
  });

  it('a buyer that restarts learns of a provider that knew it already', async () => {
    for (let start = 0; start < 2; start++) {
      await using buyer = await RigBuyer.start(rig);
      await buyer.untilProviderKnown(learnsWithinMs);
      await buyer.buy({ body, version: 3 });
    }
  });

  it('buyer and provider that start at the same moment find each other', async () => {
    await seller.kill();
    const [, buyer] = await Promise.all([seller.start(), RigBuyer.start(rig)]);
    await using _ = buyer;
    await buyer.untilProviderKnown(learnsWithinMs);
    await buyer.buy({ body });
  });

  it('a provider that never met the buyer sells to it as soon as the buyer knows what it sells', async () => {
    await seller.kill();
    await using buyer = await RigBuyer.start(rig); // what it says first, nobody hears
    const backend = { driver: 'openai', url: standIn.url } as const;
    await using stranger = await SellerProcess.start({ lnd: rig.seller, backend, models: ['standin'] });
    await buyer.untilProviderKnown(learnsWithinMs);
    for (const version of [2, 3] as const) await buyer.buy({ body, version });
    await stranger.books.expectSound();
  });
});
