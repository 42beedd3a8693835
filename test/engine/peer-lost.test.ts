import { describe, expect, test } from 'vitest';
import { JSON_ANSWER, Market } from '../harness/market.ts';
import { DONE, answers, delta, gate, usageChunk } from '../harness/scripted-backend.ts';
import { collectingLog } from '../harness/silent-log.ts';
import { SpoolError } from '../../src/spool/spool.ts';
import { chat } from '../harness/wire-buyer.ts';
import { turn } from '../harness/manual-clock.ts';
import { until } from '../harness/until.ts';

const stream = chat({ stream: true });

describe.each([3] as const)('a buyer of LCP v0.%i that is lost', (version) => {
  test('in the middle of its stream gets the same stream again when it is back, and the rest of it', async () => {
    const market = await Market.open(version);
    const { buyer, backend } = market;
    const [second, third] = [gate(), gate()];
    backend.will(answers(delta('one'), second, delta('two'), third, delta('three'), usageChunk(20, 5), DONE));
    const quote = await buyer.order(stream);
    const { jobId } = quote;
    await buyer.pay(quote);
    await buyer.hear('stream-chunk', jobId);
    second.open();
    await buyer.hear('stream-chunk', jobId, 2);
    market.disconnect();
    await market.reaches(jobId, 'funded producing paused');
    third.open();
    await market.reaches(jobId, 'closed ended paused');
    market.connect();
    expect((await buyer.result(jobId)).status).toBe('ok');
    const [first, again] = [buyer.delivery(jobId, 1), buyer.delivery(jobId, 2)];
    expect(again.begin.streamId).toBe(first.begin.streamId);
    expect(again.chunks.slice(0, 2).map(({ seq, data }) => [seq, Buffer.from(data).toString()])).toEqual(
      first.chunks.map(({ seq, data }) => [seq, Buffer.from(data).toString()]),
    );
    expect(again.bytes.toString()).toBe([delta('one'), delta('two'), delta('three'), DONE].join(''));
    expect(backend.requests).toHaveLength(1);
    await market.advanceUntil(jobId, 'closed ended delivered');
  });

  test('and back at once, before the loss is saved, gets its answer all the same', async () => {
    const market = await Market.open(version);
    const { buyer, backend } = market;
    const rest = gate();
    backend.will(answers(delta('one'), rest, delta('two'), usageChunk(20, 5), DONE));
    const quote = await buyer.order(stream);
    await buyer.pay(quote);
    await buyer.hear('stream-chunk', quote.jobId);
    market.disconnect();
    market.connect();
    await turn();
    rest.open();
    expect((await buyer.result(quote.jobId)).status).toBe('ok');
    expect(buyer.delivery(quote.jobId, 2).bytes.toString()).toBe([delta('one'), delta('two'), DONE].join(''));
  });

  test('and back again and again gets one whole answer in the end, by one delivery at a time', async () => {
    const market = await Market.open(version);
    const { buyer, backend } = market;
    const rest = gate();
    backend.will(answers(delta('one'), rest, delta('two'), usageChunk(20, 5), DONE));
    const quote = await buyer.order(stream);
    const { jobId } = quote;
    await buyer.pay(quote);
    await buyer.hear('stream-begin', jobId);
    for (let round = 0; round < 3; round++) {
      market.disconnect();
      await market.reaches(jobId, 'funded producing paused');
      market.connect();
      await market.reaches(jobId, 'funded producing sending');
      await buyer.hear('stream-begin', jobId, round + 2);
    }
    rest.open();
    await buyer.result(jobId);
    await market.advanceUntil(jobId, 'closed ended delivered');
    expect(buyer.all('result', jobId)).toHaveLength(1);
    const seqs = buyer.delivery(jobId, 4).chunks.map(({ seq }) => seq);
    expect(seqs).toEqual(seqs.map((_, index) => index));
  });

  test('right after the last message gets everything once more', async () => {
    const market = await Market.open(version);
    const { buyer } = market;
    const quote = await buyer.order();
    await buyer.pay(quote);
    await buyer.result(quote.jobId);
    await market.reachesInMemory(quote.jobId, 'closed ended finishing');
    market.disconnect();
    await market.reaches(quote.jobId, 'closed ended paused');
    market.connect();
    await buyer.result(quote.jobId, 2);
    expect(buyer.delivery(quote.jobId, 2).bytes.toString()).toBe(JSON_ANSWER);
    await market.advanceUntil(quote.jobId, 'closed ended delivered');
  });

  test('for ever has its answer deleted after the retention, and is charged for it', async () => {
    const market = await Market.open(version);
    const { buyer, backend, clock } = market;
    const rest = gate();
    backend.will(answers(rest, JSON_ANSWER));
    const quote = await buyer.order();
    await buyer.pay(quote);
    await market.reaches(quote.jobId, 'funded running none');
    market.disconnect();
    rest.open();
    await market.reaches(quote.jobId, 'closed ended paused');
    await clock.advance(86_400_000);
    await market.reaches(quote.jobId, 'closed ended unclaimed');
    await until('the answer is gone', () => market.seller.spool.usedBytes() === 0);
    expect(await market.money()).toMatchObject({ revenue: 70_000n, reserved: 0n });
  });

  test('whose answer cannot be read from the disk is tried seldom, said so once, and has it when it can', async () => {
    const { log, text } = collectingLog();
    const market = await Market.open(version, { log });
    const { buyer, seller, clock } = market;
    const quote = await buyer.order();
    const { jobId } = quote;
    await buyer.pay(quote);
    await market.reachesInMemory(jobId, 'closed ended finishing');
    let reads = 0;
    const read = seller.spool.read.bind(seller.spool);
    seller.spool.read = () => {
      reads++;
      return Promise.reject(new SpoolError('failed', 'EIO: i/o error'));
    };
    market.disconnect();
    await market.reaches(jobId, 'closed ended paused');
    market.connect();
    await until('it is tried', () => reads > 0);
    for (let second = 0; second < 120; second++) {
      await clock.advance(1_000);
      await market.breathe();
    }
    expect(reads).toBeGreaterThan(5);
    expect(reads).toBeLessThan(12);
    expect(text().match(/cannot be read from the disk/g)).toHaveLength(1);
    seller.spool.read = read;
    await market.advanceUntil(jobId, 'closed ended delivered');
    expect(buyer.delivery(jobId, 2).bytes.toString()).toBe(JSON_ANSWER);
  });

  test('cannot be told of a delivery that it did have: delivered answers go at their age', async () => {
    const market = await Market.open(version);
    const { buyer, clock, seller } = market;
    const quote = await buyer.order();
    await buyer.pay(quote);
    await market.advanceUntil(quote.jobId, 'closed ended delivered');
    await clock.advance(86_400_000);
    await seller.sweeper.sweep();
    await market.reaches(quote.jobId, 'closed ended done');
    await until('the answer is gone', () => seller.spool.usedBytes() === 0);
    await buyer.request(quote.jobId);
    expect(await buyer.errorCode(quote.jobId)).toBe(4);
  });
});

describe('a node that takes no messages although its peer is on line', () => {
  test('pauses the delivery, which goes on by itself', async () => {
    const market = await Market.open();
    const { buyer, seller, clock, backend } = market;
    const rest = gate();
    backend.will(answers(rest, JSON_ANSWER));
    const quote = await buyer.order();
    await buyer.pay(quote);
    await market.reaches(quote.jobId, 'funded running none');
    const back = seller.node.outage();
    rest.open();
    await market.reaches(quote.jobId, 'closed ended paused');
    await clock.advance(500);
    back();
    await market.advanceUntil(quote.jobId, 'closed ended delivered');
    expect(buyer.delivery(quote.jobId).bytes.toString()).toBe(JSON_ANSWER);
  });
});
