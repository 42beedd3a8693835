import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { takeApart } from './buyer-lnd.ts';
import { sha256 } from './recording-proxy.ts';
import { RigBuyer, chat, streamedChat } from './rig-buyer.ts';
import { SellerProcess } from './seller-process.ts';
import { sharedRig } from './shared-rig.ts';
import { startStandIn } from './stand-in-backend.ts';
import type { StandIn } from './stand-in-backend.ts';
import { Gate, breakOff, drip, fast, gated, large, stall } from './stand-in-scripts.ts';
import { WireBuyer } from './wire-buyer.ts';

const rig = sharedRig();
const megabytes = 4 * 1024 * 1024;
let standIn: StandIn;
let seller: SellerProcess;
let buyer: RigBuyer;

beforeAll(async () => {
  const scripts = {
    slow: drip({ forMs: 90_000, everyMs: 500 }),
    large: large(megabytes),
    breaking: breakOff(4),
    stalling: stall(4),
    fast: fast(),
  };
  standIn = await startStandIn({ ...scripts, resumed: scripts.fast });
  const backend = { driver: 'openai', url: standIn.url } as const;
  const config = { deadlines: { idle_seconds: 4 } };
  seller = await SellerProcess.start({ lnd: rig.seller, backend, models: [...standIn.scripts.keys()], config });
  buyer = await RigBuyer.start(rig);
  await buyer.untilProviderKnown();
});
afterAll(async () => {
  await buyer[Symbol.asyncDispose]();
  await seller[Symbol.asyncDispose]();
  await standIn[Symbol.asyncDispose]();
});

describe('long and large answers', () => {
  describe.concurrent('all at once', () => {
    it('delivers an answer whole that takes 90 seconds', async ({ expect }) => {
      const begun = performance.now();
      const bought = await buyer.buy({ body: streamedChat('slow') });
      expect(performance.now() - begun).toBeGreaterThan(90_000);
      expect(bought.sha256).toBe(standIn.callsFor('slow')[0]?.sha256);
    });

    it.for([2, 3] as const)('delivers an answer of 4 MB whole, streamed, in v0.%i', async (version, { expect }) => {
      const bought = await buyer.buy({ body: streamedChat('large'), version });
      expect(bought.bytes.length).toBeGreaterThan(megabytes);
      expect(standIn.callsFor('large').map((call) => call.sha256)).toContain(bought.sha256);
    });

    it('delivers an answer of 4 MB whole that is one JSON object', async ({ expect }) => {
      const bought = await buyer.buy({ body: chat('large'), version: 3 });
      const call = standIn.callsFor('large').find(({ stream }) => !stream);
      expect(bought.bytes.length).toBeGreaterThan(megabytes);
      expect(bought.sha256).toBe(call?.sha256);
    });

    it.for(['breaking', 'stalling'])(
      'tells the buyer that the backend is %s, and charges nothing',
      async (model, { expect }) => {
        await expect(buyer.buy({ body: streamedChat(model) })).rejects.toMatchObject({ code: 'failed', isPaid: true });
        const job = seller.books.read().jobs.find(({ work }) => work.model === model);
        expect(job).toMatchObject({ funding: 'refunded', chargeMsat: 0n });
        expect(standIn.callsFor(model)).toHaveLength(1);
      },
    );
  });

  it('gives the rest to a buyer that was away in the middle, in the same chunks', async () => {
    await using wire = await WireBuyer.start(rig);
    const gate = new Gate();
    standIn.scripts.set('resumed', gated(gate, 5, 3000));
    const order = wire.order(streamedChat('resumed'), 3);
    await wire.quoteAndPay(order);
    await wire.hear(order, 'stream-chunk');
    await takeApart(rig);
    gate.open();
    await seller.books.untilJob('paused delivery', order.jobId, ({ delivery }) => delivery === 'paused');
    await rig.connect();
    const { result, bytes, repeated } = await wire.outcome(order);
    expect(result.status).toBe('ok');
    expect(repeated).toBeGreaterThan(0);
    expect(standIn.callsFor('resumed')).toHaveLength(1);
    expect(sha256(bytes)).toBe(standIn.callsFor('resumed')[0]?.sha256);
    await seller.books.expectSound();
    seller.expectNoSecretLogged(['drop 1', 'before 1', 'large large', 'Hello there']);
  });
});
