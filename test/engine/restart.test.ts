import { describe, expect, test } from 'vitest';
import { JSON_ANSWER, Market } from '../harness/market.ts';
import { DONE, answers, delta, gate, staysSilent, usageChunk, breaksAfter } from '../harness/scripted-backend.ts';
import { chat } from '../harness/wire-buyer.ts';
import { until } from '../harness/until.ts';
import type { Quote } from '../../src/protocol/messages.ts';

const HOUR_MS = 3_600_000;

async function paidAndRunning(market: Market, states: string): Promise<Quote> {
  const quote = await market.buyer.order();
  await market.buyer.pay(quote);
  const { run } = await market.reaches(quote.jobId, states);
  if (run === 'running') await until('the backend is asked', () => market.backend.requests.length > 0);
  return quote;
}

describe('after a restart', () => {
  test('a quote that is still good can be paid', async () => {
    const market = await Market.open();
    const quote = await market.buyer.order();
    await market.restart();
    await market.buyer.pay(quote);
    expect((await market.buyer.result(quote.jobId)).status).toBe('ok');
  });

  test('a settlement that happened meanwhile is found', async () => {
    const market = await Market.open();
    const quote = await market.buyer.order();
    await market.seller.bury();
    await market.buyer.pay(quote);
    await market.openSeller();
    expect((await market.buyer.result(quote.jobId)).status).toBe('ok');
    expect(await market.money()).toMatchObject({ received: quote.priceMsat, reserved: 0n });
  });

  test('so is one that was paid in time but found only after the deadline: it is served', async () => {
    const market = await Market.open();
    const quote = await market.buyer.order();
    await market.seller.bury();
    await market.buyer.pay(quote);
    await market.clock.advance(HOUR_MS);
    await market.openSeller();
    await market.clock.advance(2_000);
    expect((await market.buyer.result(quote.jobId)).status).toBe('ok');
  });

  test('a quote that expired meanwhile is closed, and its invoice is dead', async () => {
    const market = await Market.open();
    const quote = await market.buyer.order();
    await market.seller.bury();
    await market.clock.advance(HOUR_MS);
    await market.openSeller();
    await market.clock.advance(0);
    await market.reaches(quote.jobId, 'closed none none');
    expect(market.seller.node.account.invoices()).toMatchObject([{ state: 'cancelled' }]);
  });

  test('a queued job runs', async () => {
    const market = await Market.open(2, { slots: 1 });
    market.backend.will(staysSilent, answers(JSON_ANSWER));
    await paidAndRunning(market, 'funded running none');
    const waiting = await paidAndRunning(market, 'funded queued none');
    market.backend.will(answers(JSON_ANSWER));
    await market.restart();
    expect((await market.buyer.result(waiting.jobId)).status).toBe('ok');
  });

  test('a job that was running without a byte out runs again', async () => {
    const market = await Market.open();
    market.backend.will(staysSilent, answers(JSON_ANSWER));
    const quote = await paidAndRunning(market, 'funded running none');
    await market.restart();
    expect((await market.buyer.result(quote.jobId)).status).toBe('ok');
    expect(market.backend.requests).toHaveLength(2);
  });

  test('but not when its buyer had cancelled it', async () => {
    let isDoomed = false;
    const market: Market = await Market.open(2, {
      onLedger: (method, args) => {
        const [change] = args as [{ job?: { run?: string } }];
        if (isDoomed && method === 'commit' && change.job?.run === 'ended') market.seller.kill();
      },
    });
    market.backend.will(staysSilent, answers(JSON_ANSWER));
    const quote = await paidAndRunning(market, 'funded running none');
    const { seller } = market;
    // Dies when it has saved the cancel, before it has saved that the run ended.
    isDoomed = true;
    await market.buyer.cancel(quote.jobId);
    await until('it dies', () => seller.isDead);
    await market.restart({});
    await market.advanceUntil(quote.jobId, '* * delivered');
    expect((await market.buyer.result(quote.jobId)).status).toBe('cancelled');
    expect(market.backend.requests).toHaveLength(1);
    expect(await market.money()).toMatchObject({ received: quote.priceMsat, reserved: 0n });
  });

  test('a half answer is not run again: result failed, everything credited', async () => {
    const market = await Market.open();
    const { buyer } = market;
    market.backend.will(answers(delta('one'), gate()));
    const quote = await buyer.order(chat({ stream: true }));
    await buyer.pay(quote);
    await buyer.hear('stream-chunk', quote.jobId);
    await market.restart();
    expect(await buyer.result(quote.jobId)).toMatchObject({ status: 'failed' });
    expect(market.backend.requests).toHaveLength(1);
    expect(await market.money()).toEqual({
      received: quote.priceMsat,
      revenue: 0n,
      credit: quote.priceMsat,
      reserved: 0n,
    });
  });

  test('a broken answer whose failure was not saved is not taken for a whole one', async () => {
    let isDoomed = false;
    const market: Market = await Market.open(3, {
      onLedger: (method, args) => {
        const [change] = args as [{ job?: { run?: string } }];
        if (isDoomed && method === 'commit' && change.job?.run === 'failed') market.seller.kill();
      },
    });
    isDoomed = true;
    market.backend.will(breaksAfter(delta('one')));
    const quote = await market.buyer.order(chat({ stream: true }));
    await market.buyer.pay(quote);
    await market.buyer.hear('stream-begin', quote.jobId);
    while (!market.seller.isDead) await market.breathe();
    await market.restart({});
    expect((await market.buyer.result(quote.jobId)).status).toBe('failed');
    expect(await market.money()).toMatchObject({ revenue: 0n, credit: quote.priceMsat });
  });

  test('an answer that was being sent is sent again, with the same chunks', async () => {
    const market = await Market.open();
    const { buyer, backend } = market;
    const rest = gate();
    backend.will(answers(delta('one'), rest, delta('two'), usageChunk(20, 5), DONE));
    const quote = await buyer.order(chat({ stream: true }));
    await buyer.pay(quote);
    await buyer.hear('stream-chunk', quote.jobId);
    rest.open();
    await market.reaches(quote.jobId, 'closed ended *');
    await market.restart();
    await until('it is so', () => buyer.all('stream-begin', quote.jobId).length >= 2);
    await market.advanceUntil(quote.jobId, 'closed ended delivered');
    const [first, again] = [buyer.delivery(quote.jobId, 1), buyer.delivery(quote.jobId, 2)];
    expect(again.begin.streamId).toBe(first.begin.streamId);
    const texts = (chunks: typeof first.chunks): string[] => chunks.map(({ data }) => Buffer.from(data).toString());
    expect(texts(again.chunks).slice(0, first.chunks.length)).toEqual(texts(first.chunks));
    expect(again.bytes.toString()).toBe([delta('one'), delta('two'), DONE].join(''));
  });

  test('finished answers survive however long the seller was away, each of them', async () => {
    let isDoomed = false;
    const market: Market = await Market.open(2, {
      onLedger: (method, args) => {
        const [change] = args as [{ job?: { run?: string } }];
        // The answers are whole on disk; that they ended is never saved.
        return isDoomed && method === 'commit' && change.job?.run === 'ended' ? new Promise(() => {}) : undefined;
      },
    });
    isDoomed = true;
    const { buyer, seller } = market;
    const quotes = [await buyer.order(), await buyer.order(), await buyer.order()];
    for (const quote of quotes) await buyer.pay(quote);
    for (const quote of quotes) {
      await market.reaches(quote.jobId, 'funded producing sending');
      await until('it is so', async () => (await seller.spool.finished(market.keyOf(quote.jobId))) !== undefined);
    }
    await market.seller.bury();
    await market.clock.advance(HOUR_MS);
    const opening = market.openSeller({}).then(() => true);
    // Timers that are due ring while it starts, as they do in life.
    while (!(await Promise.race([opening, market.clock.advance(1).then(() => false)])));
    for (const quote of quotes) expect((await buyer.result(quote.jobId)).status).toBe('ok');
    expect(market.backend.requests).toHaveLength(3);
  });

  test('a delivered answer is given again to who asks again', async () => {
    const market = await Market.open();
    const quote = await market.buyer.order();
    await market.buyer.pay(quote);
    await market.advanceUntil(quote.jobId, 'closed ended delivered');
    await market.restart();
    await market.buyer.request(quote.jobId);
    expect((await market.buyer.result(quote.jobId, 2)).status).toBe('ok');
    expect(market.buyer.delivery(quote.jobId, 2).bytes.toString()).toBe(JSON_ANSWER);
    expect(market.backend.requests).toHaveLength(1);
  });
});
