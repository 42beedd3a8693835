import { describe, expect, test } from 'vitest';
import { JSON_ANSWER, Market, SSE_ANSWER, bothVersions, sseAnswer } from '../harness/market.ts';
import {
  DONE,
  answers,
  breaksAfter,
  completion,
  delta,
  failsBefore,
  gate,
  missesFirstByte,
  staysSilent,
} from '../harness/scripted-backend.ts';
import { PRICES } from '../harness/seller.ts';
import { chat, sha256 } from '../harness/wire-buyer.ts';
import { until } from '../harness/until.ts';
import { LedgerError } from '../../src/ledger/ledger.ts';

const stream = chat({ stream: true });

/** A sale whose run ends as it will: everything paid is the buyer's again. */
async function expectRefund(market: Market, priceMsat: bigint): Promise<void> {
  expect(await market.money()).toEqual({ received: priceMsat, revenue: 0n, credit: priceMsat, reserved: 0n });
}

describe.each(bothVersions)('a run for LCP v0.%i', (version) => {
  test('that fails before its first byte is tried again, and the buyer never notices', async () => {
    const market = await Market.open(version);
    const { buyer, backend } = market;
    backend.will(failsBefore(), failsBefore(), answers(JSON_ANSWER));
    const quote = await buyer.order();
    await buyer.pay(quote);
    expect((await buyer.result(quote.jobId)).status).toBe('ok');
    expect(backend.requests).toHaveLength(3);
    expect(await market.money()).toMatchObject({ revenue: 70_000n });
  });

  test('that fails three times is credited whole', async () => {
    const market = await Market.open(version);
    const { buyer, backend } = market;
    backend.will(failsBefore());
    const quote = await buyer.order();
    await buyer.pay(quote);
    const result = await buyer.result(quote.jobId);
    expect(result).toMatchObject({ status: 'failed', message: 'the backend answered with status 500' });
    expect(result.stream).toBeUndefined();
    expect(backend.requests).toHaveLength(3);
    expect(buyer.about(quote.jobId).map(({ kind }) => kind)).toEqual(['quote', 'result']);
    await expectRefund(market, quote.priceMsat);
  });

  test.each([
    [10_000, 3],
    [10_001, 1],
  ])('whose backend answers 500 after %i ms is given to it %i times', async (ms, times) => {
    const market = await Market.open(version);
    const { buyer, backend, clock } = market;
    backend.will(async function* (request, signal) {
      await clock.advance(ms);
      yield* failsBefore()(request, signal);
    });
    const quote = await buyer.order();
    await buyer.pay(quote);
    expect(await buyer.result(quote.jobId)).toMatchObject({
      status: 'failed',
      message: 'the backend answered with status 500',
    });
    expect(backend.requests).toHaveLength(times);
    await expectRefund(market, quote.priceMsat);
  });

  test('that the only backend is too slow for is not tried again, and takes nothing off sale', async () => {
    const market = await Market.open(version);
    const { buyer, backend } = market;
    backend.will(missesFirstByte, missesFirstByte, missesFirstByte, answers(JSON_ANSWER));
    for (let count = 0; count < 3; count++) {
      const quote = await buyer.order();
      await buyer.pay(quote);
      expect(await buyer.result(quote.jobId)).toMatchObject({
        status: 'failed',
        message: 'the backend did not begin to answer in time',
      });
    }
    const last = await buyer.order();
    await buyer.pay(last);
    expect((await buyer.result(last.jobId)).status).toBe('ok');
    expect(backend.requests).toHaveLength(4);
  });

  test('that the backend refuses for good is not tried again', async () => {
    const market = await Market.open(version);
    const { buyer, backend } = market;
    backend.will(failsBefore(false, 400));
    const quote = await buyer.order();
    await buyer.pay(quote);
    expect((await buyer.result(quote.jobId)).status).toBe('failed');
    expect(backend.requests).toHaveLength(1);
    await expectRefund(market, quote.priceMsat);
  });

  test('that breaks in the middle of a stream never runs again: error event, result failed, everything credited', async () => {
    const market = await Market.open(version);
    const { buyer, backend } = market;
    backend.will(breaksAfter(delta('forty')), sseAnswer);
    const quote = await buyer.order(stream);
    await buyer.pay(quote);
    const result = await buyer.result(quote.jobId);
    const { bytes } = buyer.delivery(quote.jobId);
    expect(bytes.toString().startsWith(delta('forty'))).toBe(true);
    expect(bytes.toString()).toContain('"error":{"message":"the backend failed"');
    expect(result.status).toBe('failed');
    if (version === 2) expect(result.stream).toBeUndefined();
    else expect(result.stream).toMatchObject({ sha256: sha256(bytes), totalBytes: BigInt(bytes.length) });
    expect(buyer.all('stream-end', quote.jobId)).toMatchObject([{ sha256: sha256(bytes) }]);
    expect(backend.requests).toHaveLength(1);
    await expectRefund(market, quote.priceMsat);
  });

  test('whose stream ends without its last event ends with an error that the client sees, and is charged by our own count', async () => {
    const market = await Market.open(version);
    const { buyer, backend } = market;
    backend.will(answers(delta('forty'), delta('two')), sseAnswer);
    const quote = await buyer.order(stream);
    await buyer.pay(quote);
    expect((await buyer.result(quote.jobId)).status).toBe('failed');
    const text = buyer.delivery(quote.jobId).bytes.toString();
    expect(text.startsWith(delta('forty') + delta('two'))).toBe(true);
    expect(text).toContain('"error":{"message":"the backend ended its stream without the last event"');
    expect(backend.requests).toHaveLength(1);
    await market.reaches(quote.jobId, 'closed failed *');
    const prompt = BigInt(Math.ceil(stream.length / 4)) * PRICES.inputMsatPerMtok;
    const charge = (prompt + 2n * PRICES.outputMsatPerMtok) / 1_000_000n;
    expect(await market.money()).toMatchObject({ revenue: charge, credit: quote.priceMsat - charge });
  });

  test('whose JSON is cut has failed by our fault', async () => {
    const market = await Market.open(version);
    market.backend.will(answers(JSON_ANSWER.slice(0, 50)));
    const quote = await market.buyer.order();
    await market.buyer.pay(quote);
    expect((await market.buyer.result(quote.jobId)).status).toBe('failed');
    await expectRefund(market, quote.priceMsat);
  });

  test('whose answer is empty is tried again', async () => {
    const market = await Market.open(version);
    market.backend.will(answers(), sseAnswer);
    const quote = await market.buyer.order(stream);
    await market.buyer.pay(quote);
    expect((await market.buyer.result(quote.jobId)).status).toBe('ok');
    expect(market.buyer.delivery(quote.jobId).bytes.toString()).toBe(SSE_ANSWER);
  });

  test('that never says anything ends at its deadline, upstream too', async () => {
    const market = await Market.open(version);
    const { buyer, backend, clock } = market;
    backend.will(staysSilent);
    const quote = await buyer.order();
    await buyer.pay(quote);
    await market.reaches(quote.jobId, 'funded running none');
    await until('the backend is asked', () => backend.requests.length > 0);
    await clock.advance(600_000);
    expect(await buyer.result(quote.jobId)).toMatchObject({
      status: 'failed',
      message: 'the answer took longer than the provider allows',
    });
    expect(backend.aborts).toBe(1);
    await expectRefund(market, quote.priceMsat);
  });

  test('that streams until its deadline ends with an error event, and costs what was produced', async () => {
    const market = await Market.open(version);
    const { buyer, backend, clock } = market;
    backend.will(answers(delta('forty'), gate()));
    const quote = await buyer.order(stream);
    await buyer.pay(quote);
    await buyer.hear('stream-chunk', quote.jobId);
    await clock.advance(600_000);
    expect(await buyer.result(quote.jobId)).toMatchObject({
      status: 'failed',
      message: 'the answer took longer than the provider allows',
    });
    expect(buyer.delivery(quote.jobId).bytes.toString()).toContain('"error"');
    const charge = BigInt(Math.ceil(stream.length / 4)) * 1_000n + 2n * 10_000n; // "forty" has five bytes
    const credit = quote.priceMsat - charge;
    expect(await market.money()).toEqual({ received: quote.priceMsat, revenue: charge, credit, reserved: 0n });
  });

  test.each(['whole', 'stream'])('whose %s answer nobody fetches costs what was produced', async (kind) => {
    const market = await Market.open(version, { backlogBytes: 1_000 });
    const { buyer, backend, seller, clock } = market;
    const text = 'x'.repeat(400);
    if (kind === 'whole')
      backend.will(
        answers(completion(text).slice(0, 430), completion(text).slice(430), ...Array(9).fill(' '.repeat(900))),
      );
    else backend.will(answers(...Array.from({ length: 99 }, () => delta(text)), DONE));
    const body = kind === 'whole' ? chat() : stream;
    const quote = await buyer.order(body);
    seller.node.stuck.add(buyer.node.nodeId);
    await buyer.pay(quote);
    await market.reaches(quote.jobId, 'funded producing *');
    await market.breathe();
    await clock.advance(600_000);
    await market.reaches(quote.jobId, 'closed failed *');
    const { revenue, credit } = await market.money();
    const prompt = BigInt(Math.ceil(body.length / 4)) * 1_000n;
    expect(revenue).toBeGreaterThan(prompt);
    expect(revenue + credit).toBe(quote.priceMsat);
  });

  test('whose answer is larger than the buyer takes fails, and costs what was produced: the limit is its own', async () => {
    const market = await Market.open(version);
    const { buyer, backend } = market;
    await buyer.manifest({ maxStreamBytes: 2_000n });
    backend.will(answers(completion('x'.repeat(3_000))));
    const quote = await buyer.order();
    await buyer.pay(quote);
    const result = await buyer.result(quote.jobId);
    expect(result).toMatchObject({
      status: 'failed',
      message: 'the answer is larger than buyer and provider agreed to carry',
    });
    const sent = buyer.all('stream-chunk', quote.jobId).reduce((sum, { data }) => sum + data.length, 0);
    expect(sent).toBeLessThanOrEqual(2_000);
    const { revenue, credit, reserved } = await market.money();
    expect(revenue).toBeGreaterThan(0n);
    expect([revenue + credit, reserved]).toEqual([quote.priceMsat, 0n]);
  });

  test('whose stream is larger than the buyer takes breaks off within what it takes, the error event included', async () => {
    const market = await Market.open(version);
    const { buyer, backend } = market;
    await buyer.manifest({ maxStreamBytes: 2_000n });
    backend.will(answers(delta('x'.repeat(1_850)), delta('y'.repeat(1_850))));
    const quote = await buyer.order(stream);
    await buyer.pay(quote);
    expect((await buyer.result(quote.jobId)).status).toBe('failed');
    const sent = buyer.all('stream-chunk', quote.jobId).reduce((sum, { data }) => sum + data.length, 0);
    expect(sent).toBeGreaterThan(1_850);
    expect(sent).toBeLessThanOrEqual(2_000);
  });

  test('for which the disk has no room fails, and costs nothing', async () => {
    const market = await Market.open(version, { spoolBytes: 4_000 });
    const { buyer, backend } = market;
    backend.will(answers(completion('x'.repeat(8_000))));
    const quote = await buyer.order();
    await buyer.pay(quote);
    expect(await buyer.result(quote.jobId)).toMatchObject({
      status: 'failed',
      message: 'the provider could not store the answer',
    });
    await expectRefund(market, quote.priceMsat);
  });
});

describe('the queue', () => {
  test('ends the wait of a paid job at its deadline, and the next one gets the slot', async () => {
    const market = await Market.open(2, { slots: 1 });
    const { buyer, backend, clock } = market;
    const rest = gate();
    backend.will(answers(rest, JSON_ANSWER), answers(JSON_ANSWER));
    const first = await buyer.order();
    await buyer.pay(first);
    await market.reaches(first.jobId, 'funded running none');
    const second = await buyer.order();
    await buyer.pay(second);
    await market.reaches(second.jobId, 'funded queued none');
    await clock.advance(300_000);
    expect(await buyer.result(second.jobId)).toMatchObject({
      status: 'failed',
      message: 'no backend became free in time',
    });
    rest.open();
    expect((await buyer.result(first.jobId)).status).toBe('ok');
    expect(await market.money()).toMatchObject({
      revenue: 70_000n,
      credit: first.priceMsat + second.priceMsat - 70_000n,
      reserved: 0n,
    });
  });
});

describe('a ledger that cannot be written for a while', () => {
  test('holds the job up, and loses nothing', async () => {
    let isFull = false;
    const full = new LedgerError('disk-full', 'no space');
    const market = await Market.open(2, {
      onLedger: (method) => {
        if (isFull && method === 'commit') throw full;
      },
    });
    const { buyer, seller, clock } = market;
    const quote = await buyer.order();
    isFull = true;
    await buyer.pay(quote);
    await clock.advance(5_000);
    expect(buyer.all('stream-begin', quote.jobId)).toEqual([]);
    isFull = false;
    await clock.advance(1_000);
    expect((await buyer.result(quote.jobId)).status).toBe('ok');
    expect(seller.fatal).toEqual([]);
  });

  test('when a request comes has it refused with rate_limited, not ignored', async () => {
    let isFull = false;
    const market = await Market.open(2, {
      onLedger: (method) => {
        if (isFull && method === 'commit') throw new LedgerError('disk-full', 'no space');
      },
    });
    isFull = true;
    const jobId = sha256('job');
    await market.buyer.request(jobId);
    await market.buyer.input(jobId, chat());
    await market.buyer.settled();
    expect(await until('an answer', () => market.buyer.all('error', jobId)[0]?.code, 500)).toBe(7);
  });
});
