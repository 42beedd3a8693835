import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Order } from '../../src/buyer/order.ts';
import { errorName } from '../../src/protocol/error-code.ts';
import { flood, slowestSaleMs } from './flood.ts';
import { healthDuring } from './health-watch.ts';
import { Market } from './market.ts';
import { chat } from './rig-buyer.ts';
import { price } from './seller-process.ts';
import { sharedRig } from './shared-rig.ts';
import { poll } from './poll.ts';

const rig = sharedRig();
const openQuotesPerPeer = 64; // the default
const quoteTtlS = 10;
const lifetimeS = 15; // of all messages: the replay window forgets them soon
const saleWithinMs = 5_000;
const healthWithinMs = 1_000;
const body = chat('standin');
let market: Market;

beforeAll(async () => {
  const models = { standin: { price }, vocabulary: { price, estimator: 'openai' } };
  const config = {
    quote_ttl_seconds: quoteTtlS,
    deadlines: { input_seconds: 8 },
    llm: { max_output_tokens: 8000, estimator: 'bytes', models },
    log: { level: 'info', pretty: false },
  };
  market = await Market.open(rig, { config, isProbed: true });
  for (const wire of [market.wire, market.stranger]) wire.lifetimeS = lifetimeS;
});
afterAll(() => market[Symbol.asyncDispose]());
afterEach(() => market.expectGoodSales());

const untilAllIsForgotten = () =>
  poll('end of all requests and quotes', 60_000, async () => {
    const { requests, open } = (await market.seller.health()).jobs;
    return requests + open === 0;
  });

describe('a flood', () => {
  it('of ten thousand requests is worth a few invoices, holds up nobody, and leaves no memory behind', async () => {
    const { wire, stranger, seller, standIn } = market;
    const ask = () => wire.request(wire.order(body));
    await flood(1_000, 32, ask); // everything has its size from here on
    await untilAllIsForgotten();
    const usedBytes = await seller.usedBytes();
    const [made, calls] = [await market.invoicesMade(), standIn.calls.length];

    let slowestMs = 0;
    const begunMs = performance.now();
    const health = await healthDuring(seller, async () => {
      slowestMs = await slowestSaleMs(stranger, flood(10_000, 32, ask));
    });
    const sales = standIn.calls.length - calls;
    const invoices = (await market.invoicesMade()) - made - sales;
    const generations = Math.ceil((performance.now() - begunMs) / (quoteTtlS * 1000)) + 1;
    expect(invoices).toBeLessThanOrEqual(openQuotesPerPeer * generations);
    expect(slowestMs).toBeLessThan(saleWithinMs);
    expect(health.slowestMs).toBeLessThan(healthWithinMs);

    await untilAllIsForgotten();
    wire.heard.length = 0;
    expect(await seller.usedBytes()).toBeLessThan(usedBytes * 1.2);
  }, 180_000);

  it('of a thousand inputs that are sent by half holds up nobody', async () => {
    const { wire, stranger, seller } = market;
    const half = async () => {
      const order = stranger.order(body);
      const { version, jobId, inputStreamId: streamId, input } = order;
      await stranger.beginRequest(order);
      const data = input.subarray(0, input.length / 2);
      await stranger.send({ kind: 'stream-chunk', version, jobId, streamId, seq: 0, data });
    };
    let slowestMs = 0;
    const health = await healthDuring(seller, async () => {
      slowestMs = await slowestSaleMs(wire, flood(1_000, 32, half));
    });
    const { requests } = (await seller.health()).jobs;
    expect(requests).toBeGreaterThan(0);
    expect(requests).toBeLessThanOrEqual(64);
    expect(slowestMs).toBeLessThan(saleWithinMs);
    expect(health.slowestMs).toBeLessThan(healthWithinMs);
    await untilAllIsForgotten();
  });

  it('of a hundred thousand chunks of one byte is refused, and holds up nobody', async () => {
    const { wire, stranger, seller } = market;
    const chunks = 100_000;
    const order = stranger.order(chat('standin', { messages: [{ role: 'user', content: 'x'.repeat(chunks) }] }));
    const { version, jobId, inputStreamId: streamId, input } = order;
    const usedBytes = await seller.usedBytes();
    await stranger.beginRequest(order);
    let slowestMs = 0;
    const health = await healthDuring(seller, async () => {
      const sending = flood(chunks, 256, (seq) =>
        stranger.send({ kind: 'stream-chunk', version, jobId, streamId, seq, data: input.subarray(seq, seq + 1) }),
      );
      slowestMs = await slowestSaleMs(wire, sending);
    });
    expect(errorName(2, (await stranger.hear(order, 'error')).code)).toBe('rate-limited');
    expect(slowestMs).toBeLessThan(saleWithinMs);
    expect(health.slowestMs).toBeLessThan(healthWithinMs);
    expect(await seller.usedBytes()).toBeLessThan(usedBytes * 1.2);
  });

  it.each(['standin', 'vocabulary'])('of one letter, a megabyte of it, is answered soon (%s)', async (model) => {
    const { wire, seller, standIn } = market;
    const calls = standIn.calls.length;
    const order: Order = wire.order(chat(model, { messages: [{ role: 'user', content: 'a'.repeat(1_000_000) }] }));
    let tookMs = 0;
    const health = await healthDuring(seller, async () => {
      const begunMs = performance.now();
      await wire.request(order);
      await poll('answer', 10_000, async () => wire.of(order, 'quote')[0] ?? wire.of(order, 'error')[0]);
      tookMs = performance.now() - begunMs;
    });
    expect(tookMs).toBeLessThan(1_500);
    expect(health.slowestMs).toBeLessThan(healthWithinMs);
    expect(standIn.calls).toHaveLength(calls);
  });
});
