import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { buyersMsat, whileStandingStill } from './buyer-lnd.ts';
import { raceCancels } from './cancel-race.ts';
import { Market } from './market.ts';
import { sha256 } from './recording-proxy.ts';
import { chat, streamedChat } from './rig-buyer.ts';
import { sharedRig } from './shared-rig.ts';
import { Gate, gated } from './stand-in-scripts.ts';
import { poll } from './poll.ts';

const rig = sharedRig();
const holdSeconds = 6;
const [maxInflightJobs, openQuotesPerPeer] = [12, 8];
let market: Market;

beforeAll(async () => {
  const config = {
    payment: { mode: 'hold', hold_seconds: holdSeconds },
    limits: { max_inflight_jobs: maxInflightJobs, open_quotes_per_peer: openQuotesPerPeer },
  };
  market = await Market.open(rig, { scripts: { silent: gated(new Gate(), 0, 0) }, config });
});
afterAll(() => market[Symbol.asyncDispose]());
afterEach(() => market.expectGoodSales());

/** Payments that the seller's lnd holds. */
async function heldPayments(): Promise<number> {
  const { invoices } = (await rig.seller.lncli('listinvoices', '--pending_only', '--max_invoices=10000')) as {
    invoices: { state: string }[];
  };
  return invoices.filter(({ state }) => state === 'ACCEPTED').length;
}

const paymentEnd = (paying: Promise<void>): Promise<string> =>
  paying.then(
    () => 'paid',
    (error: { code: string }) => error.code,
  );

const isHeld = ({ funding, run }: { funding: string; run: string }) => funding === 'held' && run === 'running';

describe('in hold mode', () => {
  it('a flood of payments that are held for nothing is bounded, and each goes back', async () => {
    const { wire, seller, standIn, stranger } = market;
    const ownedMsat = await buyersMsat(rig);
    const ends: Promise<string>[] = [];
    let [refused, mostHeld] = [0, 0];
    const buyAll = async () => {
      for (let count = 0; count < 8; count++) {
        const order = wire.order(chat('silent'), 3);
        await wire.request(order);
        const answer = await poll(
          'answer',
          10_000,
          async () => wire.of(order, 'quote')[0] ?? wire.of(order, 'error')[0],
        );
        if (answer.kind === 'error') refused++;
        else ends.push(paymentEnd(wire.pay(answer)));
        mostHeld = Math.max(mostHeld, await heldPayments());
      }
    };
    await Promise.all(Array.from({ length: openQuotesPerPeer }, buyAll));
    expect(mostHeld).toBeGreaterThanOrEqual(openQuotesPerPeer - 1);
    expect(mostHeld).toBeLessThanOrEqual(openQuotesPerPeer);
    expect(refused).toBeGreaterThan(0);
    expect(standIn.calls.length).toBeLessThanOrEqual(ends.length);
    const late = stranger.order(chat('silent'));
    await stranger.request(late);
    expect((await stranger.hear(late, 'error')).message).toMatch(/busy/);
    expect([...new Set(await Promise.all(ends))]).toEqual(['payment-failed']);
    expect(await buyersMsat(rig)).toBe(ownedMsat);
    await poll('end of all jobs', 10_000, async () => (await seller.health()).jobs.paid === 0);
  });

  it('a payment of which only a part comes is never work, and goes back', async () => {
    const { wire, seller, standIn } = market;
    const [ownedMsat, calls] = [await buyersMsat(rig), standIn.calls.length];
    const order = wire.order(chat('standin', { max_tokens: 4000 }), 3);
    const { paymentRequest, priceMsat } = await wire.quote(order);
    const decoded = (await rig.buyer.lncli('decodepayreq', paymentRequest)) as Record<string, string>;
    const { payment_addr: address, payment_hash: hash } = decoded;
    const hops = ['--hops', rig.seller.nodeId, '--payment_addr', String(address), '--final_cltv_delta', '60'];
    const built = (await rig.buyer.lncli('buildroute', '--amt=5', ...hops)) as {
      route: { hops: { mpp_record: { total_amt_msat: string } }[] };
    };
    built.route.hops.at(-1)!.mpp_record.total_amt_msat = String(priceMsat);
    const sent = rig.buyer.lncli('sendtoroute', '--payment_hash', String(hash), '--routes', JSON.stringify(built));
    await poll('part of the payment', 10_000, async () => {
      const { htlcs } = (await rig.seller.lncli('lookupinvoice', String(hash))) as { htlcs: { state: string }[] };
      return htlcs.some(({ state }) => state === 'ACCEPTED');
    });
    expect(seller.books.job(order.jobId)).toMatchObject({ funding: 'open', run: 'none' });
    await wire.send({ kind: 'cancel', version: 3, jobId: order.jobId });
    expect((await wire.hear(order, 'result')).status).toBe('cancelled');
    await sent.catch(() => undefined);
    await poll('return of it', 10_000, async () => (await buyersMsat(rig)) === ownedMsat);
    expect(standIn.calls).toHaveLength(calls);
  });

  it('a payer that stands still while its payment is held is served when it goes on', async () => {
    const { wire, seller, standIn } = market;
    const gate = new Gate();
    standIn.scripts.set('silent', gated(gate, 0, 3));
    const order = wire.order(streamedChat('silent'), 3);
    const end = paymentEnd(wire.pay(await wire.quote(order)));
    await seller.books.untilJob('held payment', order.jobId, isHeld);
    await whileStandingStill(rig, async () => {
      gate.open();
      await seller.books.untilJob('taken payment', order.jobId, ({ receivedMsat }) => receivedMsat !== undefined);
    });
    expect((await wire.outcome(order)).result.status).toBe('ok');
    expect(await end).toBe('paid');
    expect(sha256(wire.answer(order).bytes)).toBe(standIn.calls.at(-1)?.sha256);
  });

  it('a payer that stands still until its time is over gets its payment back', async () => {
    const { wire, seller, standIn } = market;
    standIn.scripts.set('silent', gated(new Gate(), 0, 0));
    const ownedMsat = await buyersMsat(rig);
    const order = wire.order(streamedChat('silent'), 3);
    const quote = await wire.quote(order);
    const first = wire.pay(quote).catch(() => undefined); // our connection to the payer may break meanwhile
    await seller.books.untilJob('held payment', order.jobId, isHeld);
    await whileStandingStill(rig, async () => {
      await seller.books.untilJob('end of the hold', order.jobId, ({ funding }) => funding === 'closed');
    });
    await first;
    await poll('refusal of the payment', 10_000, async () => (await paymentEnd(wire.pay(quote))) === 'payment-failed');
    await poll('return of it', 10_000, async () => (await buyersMsat(rig)) === ownedMsat);
  });

  it('a cancel at the moment of the payment is never a loss', { timeout: 60_000 }, async () => {
    const ends = await raceCancels(market, 10);
    expect(ends.unpaid, JSON.stringify(ends)).toBeGreaterThan(0);
  });
});
