import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { MAX_CHUNK_OVERHEAD_BYTES } from '../../src/protocol/codec.ts';
import { errorName } from '../../src/protocol/error-code.ts';
import { Market } from './market.ts';
import { sha256 } from './recording-proxy.ts';
import { chat, streamedChat } from './rig-buyer.ts';
import { chargeOf } from './seller-process.ts';
import { sharedRig } from './shared-rig.ts';
import { large } from './stand-in-scripts.ts';
import { ordinaryLimits } from './wire-buyer.ts';

const rig = sharedRig();
const versions = [2, 3] as const;
const largestMessageBytes = 65_533; // BOLT 1
const smallestMessageBytes = 1_024 + MAX_CHUNK_OVERHEAD_BYTES; // a quote fits
let market: Market;

beforeAll(async () => {
  market = await Market.open(rig, { scripts: { large: large(300_000) } });
});
afterAll(() => market[Symbol.asyncDispose]());
afterEach(() => market.expectGoodSales());

/** Buys a large answer in messages of at most so many bytes; returns the lengths of its chunks. */
async function boughtInChunks(version: 2 | 3, maxPayloadBytes: number): Promise<number[]> {
  const { wire, standIn } = market;
  await wire.sendManifest(version, { ...ordinaryLimits, maxPayloadBytes });
  const order = wire.order(streamedChat('large'), version);
  await wire.quoteAndPay(order);
  const { result, bytes } = await wire.outcome(order);
  expect(result.status).toBe('ok');
  expect(sha256(bytes)).toBe(standIn.calls.at(-1)?.sha256);
  return wire.of(order, 'stream-chunk').map(({ data }) => data.length);
}

describe('a manifest', () => {
  it.each(versions)('v0.%i: that takes messages of 4 GiB gets none above what lnd takes', async (version) => {
    const largest = Math.max(...(await boughtInChunks(version, 2 ** 32 - 1)));
    expect(largest).toBeGreaterThan(60_000); // more than is usual: the limit is what it met
    expect(largest).toBeLessThanOrEqual(largestMessageBytes - MAX_CHUNK_OVERHEAD_BYTES);
  });

  it.each(versions)('v0.%i: of the smallest messages that carry a quote gets its answer in such', async (version) => {
    const lengths = await boughtInChunks(version, smallestMessageBytes);
    expect(lengths.length).toBeGreaterThan(250);
    expect(Math.max(...lengths)).toBe(1_024);
  });

  const tiny = [
    { name: 'messages without room for a quote', limits: { maxPayloadBytes: smallestMessageBytes - 1 } },
    { name: 'messages of one byte', limits: { maxPayloadBytes: 1 } },
    { name: 'jobs no larger than the request', limits: { maxJobBytes: 80n } },
  ];
  it.each(tiny)('that takes $name is refused before any invoice', async ({ limits }) => {
    const { wire, seller } = market;
    const made = await market.invoicesMade();
    await wire.sendManifest(3, { ...ordinaryLimits, ...limits });
    const order = wire.order(chat('standin'), 3);
    await wire.request(order);
    expect(errorName(3, (await wire.hear(order, 'error')).code)).toBe('payload-too-large');
    expect(seller.books.job(order.jobId)).toBeUndefined();
    expect(await market.invoicesMade()).toBe(made);
  });

  it.each([1n, 500n])('that takes answers of %s bytes gets no more, and pays what was produced', async (bytes) => {
    const { wire, seller } = market;
    await wire.sendManifest(3, { ...ordinaryLimits, maxStreamBytes: bytes });
    const order = wire.order(streamedChat('standin'), 3);
    await wire.quoteAndPay(order);
    expect((await wire.outcome(order)).result.status).toBe('failed');
    expect(wire.answer(order).bytes.length).toBeLessThanOrEqual(Number(bytes));
    const job = await seller.books.untilJob('closed job', order.jobId, ({ funding }) => funding === 'closed');
    expect(job.chargeMsat).toBeLessThanOrEqual(chargeOf(job.breakdown.inputTokens, 5));
    expect(job.chargeMsat).toBeGreaterThan(chargeOf(0, 0));
  });
});
