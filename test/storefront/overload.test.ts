import { describe, expect, test } from 'vitest';
import { errorCode } from '../../src/protocol/error-code.ts';
import { LIMITS } from '../harness/seller.ts';
import { JSON_ANSWER, Market } from '../harness/market.ts';
import { turn } from '../harness/manual-clock.ts';
import { answers, completion, gate } from '../harness/scripted-backend.ts';
import { until } from '../harness/until.ts';
import { collectingLog } from '../harness/silent-log.ts';
import { chat, hex32 } from '../harness/wire-buyer.ts';
import type { WireBuyer } from '../harness/wire-buyer.ts';

const body = chat();
const RATE_LIMITED = errorCode(2, 'rate-limited');

async function expectServed(buyer: WireBuyer): Promise<void> {
  const quote = await buyer.order();
  await buyer.pay(quote);
  expect((await buyer.result(quote.jobId)).status).toBe('ok');
}

const invoicesOf = (market: Market): number => market.seller.node.account.invoices().length;

describe('a peer that floods the seller', () => {
  test('with ten thousand requests gets a few invoices, and others are served', async () => {
    const market = await Market.open(2, { promisedSpoolBytes: 1e9 });
    const [flooder, other] = [await market.stranger('flooder'), await market.stranger('other')];
    for (let count = 0; count < 10_000; count++) {
      const jobId = hex32();
      void flooder.request(jobId);
      void flooder.input(jobId, body);
      if (count % 100 === 0) await turn();
    }
    await market.breathe();
    await expectServed(other);
    await expectServed(market.buyer);
    expect(invoicesOf(market)).toBeLessThanOrEqual(LIMITS.openQuotesPerPeer + 2);
    expect(flooder.heard.length).toBeLessThan(2_000);
  });

  test('by asking and cancelling again and again gets so many quotes a minute', async () => {
    const market = await Market.open(2, { limits: { requestsPerMinutePerPeer: 30 } });
    const flooder = await market.stranger('flooder');
    const askAndCancel = async (): Promise<void> => {
      for (let count = 0; count < 100; count++) {
        const jobId = hex32();
        await flooder.request(jobId);
        await flooder.input(jobId, body);
        const answer = await Promise.race([flooder.hear('quote', jobId), flooder.hear('error', jobId)]);
        if (answer.kind === 'error') return;
        await flooder.cancel(jobId);
        await flooder.result(jobId);
      }
    };
    await askAndCancel();
    expect(invoicesOf(market)).toBe(30);
    await market.clock.advance(20_000);
    await askAndCancel();
    expect(invoicesOf(market)).toBe(40);
    await expectServed(market.buyer);
  });

  test('with requests that it pays is never limited by their number', async () => {
    const market = await Market.open(2, { limits: { requestsPerMinutePerPeer: 3 } });
    for (let count = 0; count < 12; count++) await expectServed(market.buyer);
  });

  test('with a thousand inputs that never end holds a few places, and those for a minute', async () => {
    const market = await Market.open();
    const { seller, clock } = market;
    const flooder = await market.stranger('flooder');
    for (let count = 0; count < 1_000; count++) {
      const [jobId, streamId] = [hex32(), hex32()];
      void flooder.request(jobId);
      void flooder.begin(jobId, body, { streamId });
      void flooder.chunk(jobId, streamId, 0, body.subarray(0, 50));
    }
    await market.breathe();
    expect(seller.intake.size).toBe(LIMITS.openInputsPerPeer);
    expect(seller.admission.inputBytes.total).toBe(50 * LIMITS.openInputsPerPeer);
    await expectServed(market.buyer);
    await clock.advance(60_000);
    expect([seller.intake.size, seller.admission.inputBytes.total]).toEqual([0, 0]);
  });

  test('with a stream of one-byte chunks is told so before it costs much', async () => {
    const market = await Market.open();
    const { buyer, seller } = market;
    const [jobId, streamId] = [hex32(), hex32()];
    const long = chat({ messages: [{ role: 'user', content: 'x'.repeat(20_000) }] });
    await buyer.request(jobId);
    await buyer.begin(jobId, long, { streamId });
    for (let seq = 0; seq < 5_000; seq++) void buyer.chunk(jobId, streamId, seq, long.subarray(seq, seq + 1));
    expect(await buyer.errorCode(jobId)).toBe(RATE_LIMITED);
    expect([seller.intake.size, seller.admission.inputs.total, seller.admission.inputBytes.total]).toEqual([0, 0, 0]);
    await expectServed(buyer);
    expect(buyer.all('error', jobId)).toHaveLength(1);
  });

  test('fills no log', async () => {
    const { log, text } = collectingLog();
    log.level = 'info';
    const market = await Market.open(2, { log });
    const flooder = await market.stranger('flooder');
    const refusals = (): string[] =>
      text()
        .split('\n')
        .filter((line) => line.includes('request refused'));
    for (let count = 0; count < 300; count++) await flooder.request(hex32(), { taskKind: 'unknown.kind' });
    await market.breathe();
    expect(refusals()).toHaveLength(10);
    await market.clock.advance(60_000);
    await flooder.request(hex32(), { taskKind: 'unknown.kind' });
    await market.breathe();
    expect(JSON.parse(refusals()[10] ?? '{}')).toMatchObject({ not_logged: 290 });
  });

  test('with repeats of a delivered job gets its answer some times, and its money buys no more', async () => {
    const market = await Market.open();
    const { buyer } = market;
    const quote = await buyer.order();
    await buyer.pay(quote);
    await market.advanceUntil(quote.jobId, 'closed ended delivered');
    for (let count = 0; count < 100; count++) {
      await buyer.request(quote.jobId);
      await market.breathe();
    }
    const deliveries = buyer.all('stream-begin', quote.jobId).length;
    expect(deliveries).toBeGreaterThan(1);
    expect(deliveries).toBeLessThanOrEqual(7);
    expect(buyer.all('error', quote.jobId)).toEqual([]);
    await market.clock.advance(60_000);
    await buyer.request(quote.jobId);
    await buyer.hear('stream-begin', quote.jobId, deliveries + 1);
  });

  test('and stops reading holds up nobody else', async () => {
    const market = await Market.open();
    const { seller } = market;
    const deaf = await market.anotherBuyer('deaf');
    const quote = await deaf.order();
    seller.node.stuck.add(deaf.node.nodeId);
    await deaf.pay(quote);
    for (let count = 0; count < 3_000; count++) void deaf.request(hex32(), { taskKind: 'unknown.kind' });
    await market.breathe();
    await expectServed(market.buyer);
    expect(seller.engine.liveJobs().filter(({ peer }) => peer === deaf.node.nodeId)).toHaveLength(1);
  });
});

test('payments that a peer has held count as its unpaid quotes until output begins', async () => {
  const market = await Market.open(2, { paymentMode: 'hold', limits: { openQuotesPerPeer: 2 } });
  const { buyer, backend } = market;
  const first = gate();
  backend.will(answers(first, JSON_ANSWER), answers(gate()));
  for (let count = 0; count < 2; count++) {
    const quote = await buyer.order();
    buyer.pay(quote).catch(() => {});
    await market.reaches(quote.jobId, 'held running none');
  }
  const jobId = hex32();
  await buyer.request(jobId);
  expect(await buyer.hear('error', jobId)).toMatchObject({ message: expect.stringContaining('unpaid quotes') });
  await until('both are asked', () => backend.requests.length === 2);
  first.open();
  await until('one is served', () => buyer.heard.some(({ kind }) => kind === 'result'));
  await buyer.order();
});

describe('strangers together', () => {
  const names = ['one', 'two', 'three', 'four'];

  test('cannot lock out a peer with a channel, whatever they fill', async () => {
    const market = await Market.open(2, { limits: { requestsPerMinute: 200 } });
    const strangers = await Promise.all(names.map((name) => market.stranger(name)));
    for (const stranger of strangers) {
      for (let count = 0; count < LIMITS.openQuotesPerPeer; count++) {
        await stranger.request(hex32());
        void stranger.order().catch(() => {});
      }
      await market.breathe();
      for (let count = 0; count < 200; count++) {
        const [jobId, streamId] = [hex32(), hex32()];
        void stranger.request(jobId);
        void stranger.begin(jobId, Buffer.alloc(90_000), { streamId });
        for (let seq = 0; seq < 8; seq++) void stranger.chunk(jobId, streamId, seq, Buffer.alloc(10_000));
      }
      await market.breathe();
    }
    for (let count = 0; count < 5; count++) await expectServed(market.buyer);
    const late = await market.stranger('late');
    const jobId = hex32();
    await late.request(jobId);
    expect(await late.errorCode(jobId)).toBe(RATE_LIMITED);
  });

  test('have half of the quotes; one that pays is a stranger no more', async () => {
    const market = await Market.open(2, { promisedSpoolBytes: 1e9 });
    const [payer, ...others] = await Promise.all(names.map((name) => market.stranger(name)));
    const quote = await payer!.order();
    const open = LIMITS.openQuotes / 2 - 1;
    for (let count = 0; count < open; count++) await others[count % others.length]!.order();
    const jobId = hex32();
    await payer!.request(jobId);
    expect((await payer!.hear('error', jobId)).message).toContain('too many unpaid quotes at the moment');
    await payer!.pay(quote);
    await payer!.result(quote.jobId);
    await expectServed(payer!);
    await market.restart();
    for (const { node } of [payer!, ...others]) market.seller.node.channelless.add(node.nodeId);
    await market.clock.advance(30_000); // channels are looked at
    expect(market.seller.admission.holder(payer!.node.nodeId).isTrusted).toBe(true);
    expect(market.seller.admission.holder(others[0]!.node.nodeId).isTrusted).toBe(false);
  });
});

describe('the queue', () => {
  test('declines before it prices what would wait too long, and says when to come back', async () => {
    const market = await Market.open(2, { slots: 1, limits: { longestWaitSeconds: 100 } });
    const { buyer, backend, clock } = market;
    const [first, rest] = [gate(), gate()];
    backend.will(answers(first, JSON_ANSWER), answers(rest, JSON_ANSWER));
    const measured = await buyer.order();
    await buyer.pay(measured);
    await market.reaches(measured.jobId, 'funded running none');
    await clock.advance(40_000);
    first.open();
    await buyer.result(measured.jobId);
    for (const states of ['funded running none', 'funded queued none']) {
      const quote = await buyer.order();
      await buyer.pay(quote);
      await market.reaches(quote.jobId, states);
    }
    const promised = await buyer.order(); // it waits for two runs of 40 s
    const jobId = hex32();
    await buyer.request(jobId); // and this one for three, if that is paid
    expect(await buyer.hear('error', jobId)).toMatchObject({
      code: RATE_LIMITED,
      message: 'busy: a paid job would wait about 120 s for its turn; try again in about 20 s',
    });
    expect(invoicesOf(market)).toBe(4);
    await buyer.cancel(promised.jobId);
    await buyer.result(promised.jobId);
    await buyer.order();
    rest.open();
  });
});

describe('room for answers', () => {
  const ANSWER = 1_066_596; // of the largest size, with what marks its chunks
  const ONE = ANSWER + body.length;

  test('is reserved with the quote, given back when it is closed, and never promised twice', async () => {
    const market = await Market.open(2, { promisedSpoolBytes: 2 * ONE });
    const { buyer } = market;
    const [first] = [await buyer.order(), await buyer.order()];
    const jobId = hex32();
    await buyer.request(jobId);
    await buyer.input(jobId, body);
    expect(await buyer.hear('error', jobId)).toMatchObject({
      code: RATE_LIMITED,
      message: 'no room for more answers at the moment; try again later',
    });
    await buyer.cancel(first.jobId);
    await buyer.result(first.jobId);
    await expectServed(buyer);
  });

  test('is taken by requests too, while their quotes wait', async () => {
    const market = await Market.open(2, { promisedSpoolBytes: 2 * ANSWER + 100_000 });
    const { buyer } = market;
    const long = chat({ messages: [{ role: 'user', content: 'x'.repeat(80_000) }] });
    const first = await buyer.order(long);
    const jobId = hex32();
    await buyer.request(jobId);
    await buyer.input(jobId, long);
    expect(await buyer.errorCode(jobId)).toBe(RATE_LIMITED);
    await buyer.cancel(first.jobId);
    await buyer.result(first.jobId);
    await buyer.order(long);
  });

  test('is made by giving up the oldest answers that their buyers have, before a sale is refused', async () => {
    const market = await Market.open(2, { promisedSpoolBytes: 2 * ONE });
    const { buyer, backend, seller } = market;
    backend.will(answers(completion('x'.repeat(800_000))));
    const sold: string[] = [];
    for (let count = 0; count < 3; count++) {
      const quote = await buyer.order();
      await buyer.pay(quote);
      await market.advanceUntil(quote.jobId, 'closed ended delivered');
      sold.push(quote.jobId);
      await market.clock.advance(1_000);
    }
    expect((await Promise.all(sold.map((jobId) => market.job(jobId)))).map((job) => job?.delivery)).toEqual([
      'done',
      'done',
      'delivered',
    ]);
    expect(seller.spool.usedBytes()).toBeLessThan(ONE);
    await buyer.request(sold[0] ?? '');
    expect(await buyer.errorCode(sold[0] ?? '')).toBe(errorCode(2, 'quote-expired'));
  });

  test('is not taken from an answer that its buyer has not got', async () => {
    const market = await Market.open(2, { promisedSpoolBytes: 2 * ONE });
    const { buyer, backend } = market;
    const other = await market.anotherBuyer('other');
    backend.will(answers(completion('x'.repeat(800_000))));
    for (let count = 0; count < 2; count++) {
      const quote = await buyer.order();
      await buyer.pay(quote);
      await buyer.result(quote.jobId);
    }
    market.disconnect();
    await market.breathe();
    const jobId = hex32();
    await other.request(jobId);
    await other.input(jobId, body);
    expect(await other.errorCode(jobId)).toBe(RATE_LIMITED);
  });
});

describe('a clock that jumps by an hour', () => {
  const HOUR_MS = 3_600_000;
  const requests = 30;

  test.each([
    ['ahead', HOUR_MS],
    ['back', -HOUR_MS],
  ])('%s neither locks a peer out for longer nor opens the limits', async (_name, jumpMs) => {
    const market = await Market.open(2, { limits: { requestsPerMinutePerPeer: requests } });
    const { buyer, clock } = market;
    const askedUntilRefused = async (): Promise<number> => {
      for (let count = 0; ; count++) {
        const jobId = hex32();
        await buyer.request(jobId, { taskKind: 'unknown.kind' });
        if ((await buyer.errorCode(jobId)) === RATE_LIMITED) return count;
      }
    };
    expect(await askedUntilRefused()).toBe(requests);
    clock.jump(jumpMs);
    expect(await askedUntilRefused()).toBeLessThanOrEqual(requests);
    await clock.advance(60_000);
    expect(await askedUntilRefused()).toBe(requests);
    await clock.advance(60_000);
    await expectServed(buyer);
  });
});
