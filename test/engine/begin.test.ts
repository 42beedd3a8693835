import { describe, expect, test } from 'vitest';
import { unavailable } from '../harness/fake-node.ts';
import { Market, SSE_ANSWER, bothVersions, sseAnswer } from '../harness/market.ts';
import { answers, delta, gate } from '../harness/scripted-backend.ts';
import type { SellerOptions } from '../harness/seller.ts';
import { until } from '../harness/until.ts';
import { chat } from '../harness/wire-buyer.ts';

const stream = chat({ stream: true });

/** A hand on the save that output began: it is held up from its start until the gate is opened. */
function heldSave(): { onLedger: NonNullable<SellerOptions['onLedger']>; saved: ReturnType<typeof gate> } {
  const saved = gate();
  const onLedger = (method: string, args: readonly unknown[]) => {
    const [change] = args as [{ job?: { run?: string } }];
    return method === 'commit' && change.job?.run === 'producing' ? saved.passed : undefined;
  };
  return { onLedger, saved };
}

describe.each(bothVersions)('while it is being saved that output began, a buyer of LCP v0.%i', (version) => {
  test('hears that its stream begins, once, and not a byte of it', async () => {
    const { onLedger, saved } = heldSave();
    const market = await Market.open(version, { onLedger });
    const { buyer } = market;
    market.backend.will(sseAnswer);
    const quote = await buyer.order(stream);
    const { jobId } = quote;
    await buyer.pay(quote);
    await buyer.hear('stream-begin', jobId);
    await market.breathe();
    expect((await market.job(jobId))?.run).toBe('running');
    expect(buyer.all('stream-chunk', jobId)).toEqual([]);
    saved.open();
    expect((await buyer.result(jobId)).status).toBe('ok');
    expect(buyer.all('stream-begin', jobId)).toHaveLength(1);
    expect(buyer.delivery(jobId).bytes.toString()).toBe(SSE_ANSWER);
  });

  test('does not notice a crash: the answer of the next attempt comes in the same stream', async () => {
    const market = await Market.open(version, { onLedger: heldSave().onLedger });
    const { buyer, backend } = market;
    backend.will(answers(delta('never seen')), sseAnswer);
    const quote = await buyer.order(stream);
    const { jobId } = quote;
    await buyer.pay(quote);
    const first = await buyer.hear('stream-begin', jobId);
    await market.restart({});
    const result = await buyer.result(jobId);
    const again = buyer.delivery(jobId, 2);
    expect(again.begin).toMatchObject({ streamId: first.streamId, contentType: first.contentType });
    expect(again.bytes.toString()).toBe(SSE_ANSWER);
    expect(result).toMatchObject({ status: 'ok', stream: { streamId: first.streamId } });
    expect(buyer.delivery(jobId, 1).chunks).toEqual([]);
    expect(backend.requests).toHaveLength(2);
    expect(await market.money()).toMatchObject({ received: quote.priceMsat, revenue: 70_000n, reserved: 0n });
  });

  test('who is lost and back meanwhile hears again that it begins', async () => {
    const { onLedger, saved } = heldSave();
    const market = await Market.open(version, { onLedger });
    const { buyer } = market;
    market.backend.will(sseAnswer);
    const quote = await buyer.order(stream);
    const { jobId } = quote;
    await buyer.pay(quote);
    const { streamId } = await buyer.hear('stream-begin', jobId);
    market.disconnect();
    await until('the loss is known', () => !market.seller.session.isOnline(buyer.node.nodeId));
    market.connect();
    await until('it is back', () => market.seller.session.isOnline(buyer.node.nodeId));
    saved.open();
    expect((await buyer.result(jobId)).status).toBe('ok');
    expect(buyer.delivery(jobId, 2).begin.streamId).toBe(streamId);
    expect(buyer.delivery(jobId, 2).bytes.toString()).toBe(SSE_ANSWER);
  });

  test('who could not be told that it begins is told later', async () => {
    const { onLedger, saved } = heldSave();
    const rest = gate();
    const market = await Market.open(version, { onLedger });
    const { buyer, seller } = market;
    market.backend.will(answers(rest, delta('forty')), sseAnswer);
    const quote = await buyer.order(stream);
    const { jobId } = quote;
    await buyer.pay(quote);
    await market.reaches(jobId, 'funded running none');
    const asked = gate();
    seller.node.faults.sendMessage = () => {
      asked.open();
      return unavailable();
    };
    rest.open();
    await asked.passed;
    delete seller.node.faults.sendMessage;
    saved.open();
    await market.reaches(jobId, '* * paused');
    expect(buyer.all('stream-begin', jobId)).toEqual([]);
    await market.clock.advance(1_000);
    expect((await buyer.hear('stream-begin', jobId)).streamId).toMatch(/^[0-9a-f]{64}$/);
    expect(Buffer.from((await buyer.hear('stream-chunk', jobId)).data).toString()).toBe(delta('forty'));
  });
});
