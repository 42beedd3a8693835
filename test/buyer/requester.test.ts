import { describe, expect, test } from 'vitest';
import { LightningError } from '../../src/lightning/lightning.ts';
import { errorCode } from '../../src/protocol/error-code.ts';
import { hex32 } from '../harness/wire-buyer.ts';
import { bothVersions } from '../harness/market.ts';
import { until } from '../harness/until.ts';
import { PRICE, Stall, failureOf, textOf } from './wire-provider.ts';
import type { QuoteLies } from './wire-provider.ts';

const lies: Record<string, (stall: Stall) => QuoteLies> = {
  'other terms': () => ({ termsHash: hex32() }),
  'an invoice for other terms': () => ({ invoice: { descriptionHash: hex32() } }),
  'an invoice of somebody else': (stall) => ({ invoice: { node: stall.network.open('thief') } }),
  'an invoice for more': () => ({ invoice: { amountMsat: PRICE + 1n } }),
  'an invoice for less': () => ({ invoice: { amountMsat: PRICE - 1n } }),
  'an invoice that outlives it': (stall) => ({ invoice: { expiresAtS: stall.clock.nowS() + 306 } }),
  'an expiry in the past': (stall) => ({ quoteExpiryS: stall.clock.nowS() - 1 }),
  'a price of zero': () => ({ priceMsat: 0n }),
  'something that is no invoice': () => ({ paymentRequest: 'lnbcrt1nonsense' }),
};

describe.each(bothVersions)('a buyer of LCP v0.%i', (version) => {
  test('gets the bytes as they come, and is done when all of it agrees', async () => {
    const stall = await Stall.open(version);
    const buying = stall.buy();
    const jobId = await stall.quote();
    await until('paid', () => stall.paid === 1);
    await stall.answer(jobId, ['one', 'two']);
    const bought = await buying;
    expect(bought).toMatchObject({ jobId, priceMsat: PRICE, contentType: 'application/json; charset=utf-8' });
    expect(await textOf(bought.body)).toBe('onetwo');
    await bought.done;
  });

  test.each(Object.entries(lies))('refuses a quote with %s before it pays, and cancels', async (_what, lie) => {
    const stall = await Stall.open(version);
    const buying = stall.buy();
    await stall.quote(lie(stall));
    expect(await failureOf(buying)).toMatchObject({ code: 'bad-quote', isPaid: false });
    await stall.quiet();
    expect(stall.paid).toBe(0);
    expect(stall.heard.at(-1)?.kind).toBe('cancel');
  });

  test('does not pay more than it was allowed', async () => {
    const stall = await Stall.open(version);
    const buying = stall.buy();
    await stall.quote({ priceMsat: PRICE + 1n });
    expect((await failureOf(buying)).code).toBe('too-expensive');
    expect(stall.paid).toBe(0);
  });

  test('hears the name of an error', async () => {
    const stall = await Stall.open(version);
    const buying = stall.buy();
    const { jobId } = await stall.request();
    await stall.send({ kind: 'error', jobId, code: errorCode(version, 'rate-limited'), message: 'busy' });
    expect(await failureOf(buying)).toMatchObject({ code: 'refused', providerError: 'rate-limited', isPaid: false });
    await stall.quiet();
    expect(stall.heard.map(({ kind }) => kind)).not.toContain('cancel');
  });

  test('ignores what is about other jobs', async () => {
    const stall = await Stall.open(version);
    const buying = stall.buy();
    await stall.request();
    await stall.send({ kind: 'error', jobId: hex32(), code: 1 });
    const jobId = await stall.quote();
    await stall.answer(jobId, ['{}']);
    expect(await textOf((await buying).body)).toBe('{}');
  });

  test.each([
    { what: 'hash', lie: { sha256: hex32() } },
    { what: 'length', lie: { totalBytes: 1n } },
    { what: 'stream', lie: { streamId: hex32() } },
    { what: 'content type', lie: { contentType: 'text/plain' } },
  ])('refuses a result with another $what than the stream had', async ({ lie }) => {
    const stall = await Stall.open(version);
    const buying = stall.buy();
    const jobId = await stall.quote();
    await until('paid', () => stall.paid === 1);
    await stall.quiet();
    await stall.answer(jobId, ['{}'], { lies: lie });
    const bought = await buying;
    expect(await failureOf(bought.done)).toMatchObject({ code: 'failed', isPaid: true });
  });

  test('puts a stream that is sent again after a reconnect together once', async () => {
    const stall = await Stall.open(version);
    const buying = stall.buy();
    const jobId = await stall.quote();
    await until('paid', () => stall.paid === 1);
    const streamId = hex32();
    await stall.send({
      kind: 'stream-begin',
      jobId,
      streamId,
      streamKind: 'result',
      contentType: 'application/json; charset=utf-8',
      contentEncoding: 'identity',
    });
    await stall.send({ kind: 'stream-chunk', jobId, streamId, seq: 0, data: Buffer.from('one') });
    const bought = await buying;
    stall.network.disconnect(stall.buyer.nodeId, stall.provider.nodeId);
    stall.network.connect(stall.buyer.nodeId, stall.provider.nodeId);
    await stall.quiet();
    await stall.answer(jobId, ['one', 'two'], { streamId });
    expect(await textOf(bought.body)).toBe('onetwo');
    await bought.done;
  });

  test('is told when the provider fails after payment', async () => {
    const stall = await Stall.open(version);
    const buying = stall.buy();
    const jobId = await stall.quote();
    await until('paid', () => stall.paid === 1);
    await stall.quiet();
    await stall.send({ kind: 'result', jobId, status: 'failed', message: 'the backend failed' });
    expect(await failureOf(buying)).toMatchObject({ code: 'failed', isPaid: true });
  });
});

describe('a buyer that is told to come back', () => {
  const refuse = async (stall: Stall, afterS: number, code = errorCode(2, 'rate-limited')) => {
    const { jobId } = await stall.request();
    stall.heard.length = 0;
    await stall.send({ kind: 'error', jobId, code, message: `being loaded; try again in about ${afterS} s` });
    await stall.quiet();
    return jobId;
  };

  test('does so by itself when it has the patience, as another job', async () => {
    const stall = await Stall.open(2, 60_000);
    const buying = stall.buy();
    const refused = [await refuse(stall, 20)];
    await stall.clock.advance(19_999);
    expect(stall.heard).toEqual([]);
    await stall.clock.advance(1);
    refused.push(await refuse(stall, 40));
    await stall.clock.advance(40_000);
    const jobId = await stall.quote();
    expect(refused).not.toContain(jobId);
    await until('paid', () => stall.paid === 1);
    await stall.answer(jobId, ['{}']);
    expect(await textOf((await buying).body)).toBe('{}');
  });

  test.each([
    ['without patience', undefined, 1],
    ['for longer than it has patience', 60_000, 61],
  ])('gives up at once %s, and says when', async (_what, patienceMs, afterS) => {
    const stall = await Stall.open(2, patienceMs);
    const buying = stall.buy();
    await refuse(stall, afterS);
    expect(await failureOf(buying)).toMatchObject({ code: 'refused', isPaid: false, retryAfterMs: afterS * 1000 });
  });

  test('gives up when all waits together would be too long, and when the refusal is of another kind', async () => {
    const stall = await Stall.open(2, 60_000);
    const buying = stall.buy();
    await refuse(stall, 40);
    await stall.clock.advance(40_000);
    await refuse(stall, 21);
    expect(await failureOf(buying)).toMatchObject({ retryAfterMs: 21_000 });
    const another = await Stall.open(2, 60_000);
    const buyingThere = another.buy();
    await refuse(another, 1, errorCode(2, 'unsupported-task'));
    expect((await failureOf(buyingThere)).retryAfterMs).toBeUndefined();
  });

  test('stops waiting when it is aborted', async () => {
    const stall = await Stall.open(2, 60_000);
    const buying = stall.buy();
    await refuse(stall, 20);
    const timers = stall.clock.waiting;
    stall.abort.abort();
    expect((await failureOf(buying)).code).toBe('cancelled');
    expect([stall.heard, stall.clock.waiting]).toEqual([[], timers - 1]);
  });
});

describe('a buyer', () => {
  test('gives up when no quote comes in time, and cancels', async () => {
    const stall = await Stall.open();
    const buying = stall.buy();
    await stall.request();
    await stall.clock.advance(30_000);
    expect(await failureOf(buying)).toMatchObject({ code: 'timeout', isPaid: false });
    await stall.quiet();
    expect(stall.heard.at(-1)?.kind).toBe('cancel');
  });

  test('that is aborted while it waits for the quote cancels once and pays nothing', async () => {
    const stall = await Stall.open();
    const buying = stall.buy();
    await stall.request();
    stall.abort.abort();
    expect((await failureOf(buying)).code).toBe('cancelled');
    await stall.quote();
    await stall.quiet();
    expect(stall.heard.filter(({ kind }) => kind === 'cancel')).toHaveLength(1);
    expect(stall.paid).toBe(0);
  });

  test('that is aborted before it begins sends nothing', async () => {
    const stall = await Stall.open();
    stall.abort.abort();
    expect((await failureOf(stall.buy())).code).toBe('cancelled');
    await stall.quiet();
    expect(stall.heard).toEqual([]);
  });

  test('that is aborted while it pays cancels, and knows that it has paid', async () => {
    const stall = await Stall.open();
    const arrive = stall.network.holdPayments();
    const buying = stall.buy();
    await stall.quote();
    await stall.quiet();
    stall.abort.abort();
    await stall.quiet();
    arrive();
    expect(await failureOf(buying)).toMatchObject({ code: 'cancelled', isPaid: true });
    expect(stall.heard.at(-1)?.kind).toBe('cancel');
  });

  test('that is refused while it pays knows that it has paid', async () => {
    const stall = await Stall.open();
    const arrive = stall.network.holdPayments();
    const buying = stall.buy();
    const jobId = await stall.quote();
    await stall.quiet();
    await stall.send({ kind: 'error', jobId, code: 10 });
    await stall.quiet();
    arrive();
    expect(await failureOf(buying)).toMatchObject({ code: 'refused', isPaid: true });
  });

  test('that is aborted in the middle of the answer cancels', async () => {
    const stall = await Stall.open();
    const buying = stall.buy();
    const jobId = await stall.quote();
    await until('paid', () => stall.paid === 1);
    await stall.send({
      kind: 'stream-begin',
      jobId,
      streamId: hex32(),
      streamKind: 'result',
      contentType: 'x',
      contentEncoding: 'identity',
    });
    const bought = await buying;
    stall.abort.abort();
    expect((await failureOf(bought.done)).code).toBe('cancelled');
    await stall.quiet();
    expect(stall.heard.at(-1)?.kind).toBe('cancel');
  });

  test('whose payment fails has paid nothing; whose payment is unknown may have', async () => {
    for (const code of ['payment-failed', 'payment-unknown'] as const) {
      const stall = await Stall.open();
      stall.buyer.faults.pay = () => {
        throw new LightningError(code, 'no route');
      };
      const buying = stall.buy();
      await stall.quote();
      expect(await failureOf(buying)).toMatchObject({ code, isPaid: code === 'payment-unknown' });
    }
  });

  test('refuses an answer larger than it takes', async () => {
    const stall = await Stall.open();
    const buying = stall.buy();
    const jobId = await stall.quote();
    await until('paid', () => stall.paid === 1);
    await stall.answer(
      jobId,
      Array.from({ length: 101 }, () => 'x'.repeat(1_000)),
    );
    const bought = await buying;
    expect((await failureOf(bought.done)).code).toBe('failed');
  });

  test('refuses a chunk out of order', async () => {
    const stall = await Stall.open();
    const buying = stall.buy();
    const jobId = await stall.quote();
    const streamId = hex32();
    await stall.send({
      kind: 'stream-begin',
      jobId,
      streamId,
      streamKind: 'result',
      contentType: 'x',
      contentEncoding: 'identity',
    });
    await stall.send({ kind: 'stream-chunk', jobId, streamId, seq: 1, data: Buffer.from('two') });
    expect((await failureOf((await buying).done)).code).toBe('failed');
  });

  test('needs a provider that is on line and has told what it takes', async () => {
    const stall = await Stall.open(2);
    const request = {
      peer: stall.network.open('nobody').nodeId,
      version: 2,
      taskKind: 'x',
      model: 'm',
      input: Buffer.from('{}'),
      maxPriceMsat: PRICE,
    } as const;
    expect((await failureOf(stall.requester.buy(request, stall.abort.signal))).code).toBe('no-provider');
    expect((await failureOf(stall.buy(PRICE, Buffer.alloc(100_001)))).code).toBe('refused');
  });
});
