import { describe, expect, test } from 'vitest';
import { encodeMessage } from '../../src/protocol/codec.ts';
import { errorCode } from '../../src/protocol/error-code.ts';
import { Market, bothVersions } from '../harness/market.ts';
import { WireBuyer, chat, hex32 } from '../harness/wire-buyer.ts';

const body = chat();

/** The seller sells as before. */
async function expectGoodJobWorks(market: Market): Promise<void> {
  const quote = await market.buyer.order();
  await market.buyer.pay(quote);
  expect((await market.buyer.result(quote.jobId)).status).toBe('ok');
}

describe.each(bothVersions)('a seller of LCP v0.%i, alone with one buyer,', (version) => {
  test('refuses a request before the manifest', async () => {
    const market = await Market.open(version);
    const blind = await WireBuyer.open(market.network, market.clock, version, 'blind');
    market.network.connect(market.seller.node.nodeId, blind.node.nodeId);
    const jobId = hex32();
    await blind.request(jobId);
    expect(await blind.errorCode(jobId)).toBe(errorCode(version, 'manifest-required'));
  });

  test('does not believe a manifest that takes messages of 4 GiB', async () => {
    const market = await Market.open(version);
    await market.buyer.manifest({
      maxPayloadBytes: 0xffff_ffff,
      maxStreamBytes: 2n ** 64n - 1n,
      maxJobBytes: 2n ** 64n - 1n,
    });
    await expectGoodJobWorks(market);
  });

  test('does not sell to a node that takes no chunk: what is paid could never be delivered', async () => {
    const market = await Market.open(version);
    await market.buyer.manifest({ maxPayloadBytes: 122 });
    const jobId = hex32();
    await market.buyer.request(jobId);
    await market.buyer.input(jobId, body);
    expect(await market.buyer.errorCode(jobId)).toBe(errorCode(version, 'payload-too-large'));
  });

  test('takes a duplicate chunk for what it is', async () => {
    const market = await Market.open(version);
    const { buyer } = market;
    const [jobId, streamId] = [hex32(), hex32()];
    await buyer.request(jobId);
    await buyer.begin(jobId, body, { streamId });
    await buyer.chunk(jobId, streamId, 0, body.subarray(0, 10));
    await buyer.chunk(jobId, streamId, 0, body.subarray(0, 10));
    await buyer.chunk(jobId, streamId, 1, body.subarray(10));
    await buyer.end(jobId, streamId, body);
    expect((await buyer.hear('quote', jobId)).priceMsat).toBeGreaterThan(0n);
  });

  test('takes the same input stream twice for a duplicate, not for a mistake', async () => {
    const market = await Market.open(version);
    const { buyer } = market;
    const [jobId, streamId] = [hex32(), hex32()];
    await buyer.request(jobId);
    await buyer.begin(jobId, body, { streamId });
    await buyer.input(jobId, body, { streamId });
    await buyer.hear('quote', jobId);
    await buyer.input(jobId, body, { streamId });
    await buyer.settled();
    expect(buyer.all('error', jobId)).toEqual([]);
  });

  test('takes an input without declared length and hash in v0.3 only', async () => {
    const market = await Market.open(version);
    const { buyer } = market;
    const jobId = hex32();
    await buyer.request(jobId);
    await buyer.input(jobId, body, { totalBytes: undefined, sha256: undefined } as object);
    if (version === 2) expect(await buyer.errorCode(jobId)).toBe(10);
    else await buyer.hear('quote', jobId);
  });

  test('gives up an input that never comes, silently', async () => {
    const market = await Market.open(version);
    const { buyer, seller, clock } = market;
    const jobId = hex32();
    await buyer.request(jobId);
    await buyer.begin(jobId, body);
    await buyer.settled();
    expect(seller.intake.size).toBe(1);
    await clock.advance(60_000);
    expect(seller.intake.size).toBe(0);
    expect(buyer.about(jobId)).toEqual([]);
  });

  test('has room for so many open inputs of one peer, refuses more with one error each, and has room for others', async () => {
    const market = await Market.open(version);
    const { buyer, seller } = market;
    const other = await market.anotherBuyer('other');
    for (let count = 0; count < 8; count++) await buyer.request(hex32());
    const jobId = hex32();
    await buyer.request(jobId);
    await buyer.input(jobId, body);
    expect(await buyer.errorCode(jobId)).toBe(errorCode(version, 'rate-limited'));
    await buyer.settled();
    expect(buyer.about(jobId)).toHaveLength(1);
    expect((await other.order()).priceMsat).toBeGreaterThan(0n);
    market.disconnect();
    await market.breathe();
    expect(seller.intake.size).toBe(0);
  });

  test('holds no more input than it has memory for', async () => {
    const market = await Market.open(version);
    const { buyer } = market;
    const large = Buffer.alloc(90_000, 32);
    const jobs = [hex32(), hex32(), hex32()];
    for (const jobId of jobs) {
      const streamId = hex32();
      await buyer.request(jobId);
      await buyer.begin(jobId, large, { streamId });
      for (let seq = 0; seq < 10; seq++)
        await buyer.chunk(jobId, streamId, seq, large.subarray(seq * 9_000, (seq + 1) * 9_000));
    }
    expect(await buyer.errorCode(jobs[2] ?? '')).toBe(errorCode(version, 'rate-limited'));
    expect(buyer.about(jobs[0] ?? '')).toEqual([]);
    for (const jobId of jobs.slice(0, 2)) await buyer.cancel(jobId);
    await expectGoodJobWorks(market);
  });

  test('takes back nothing of a replayed message', async () => {
    const market = await Market.open(version);
    const { buyer } = market;
    const jobId = hex32();
    const message = {
      kind: 'quote-request',
      version,
      protocolVersion: version,
      jobId,
      msgId: hex32(),
      expiryS: BigInt(market.clock.nowS() + 300),
      taskKind: 'unknown.kind',
    } as const;
    const { type, payload } = encodeMessage(message);
    await buyer.raw(type, payload);
    await buyer.raw(type, payload);
    await buyer.settled();
    expect(buyer.all('error', jobId)).toHaveLength(1);
  });
});
