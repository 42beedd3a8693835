import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { messageType } from '../../src/protocol/codec.ts';
import { errorName } from '../../src/protocol/error-code.ts';
import type { Kind } from '../../src/protocol/messages.ts';
import { sha256 } from './recording-proxy.ts';
import { chat, streamedChat } from './rig-buyer.ts';
import { SellerProcess, chargeOf } from './seller-process.ts';
import { sharedRig } from './shared-rig.ts';
import { startStandIn } from './stand-in-backend.ts';
import type { StandIn } from './stand-in-backend.ts';
import { Gate, fast, gated } from './stand-in-scripts.ts';
import { until } from './until.ts';
import { WireBuyer } from './wire-buyer.ts';

const rig = sharedRig();
const versions = [2, 3] as const;
let standIn: StandIn;
let seller: SellerProcess;
let wire: WireBuyer;

beforeAll(async () => {
  standIn = await startStandIn({ standin: fast(5), endless: gated(new Gate(), 3, 0) });
  const backend = { driver: 'openai', url: standIn.url } as const;
  seller = await SellerProcess.start({ lnd: rig.seller, backend, models: ['standin', 'endless'] });
  wire = await WireBuyer.start(rig);
  await wire.introduce(seller);
});
afterAll(async () => {
  await wire[Symbol.asyncDispose]();
  await seller[Symbol.asyncDispose]();
  await standIn[Symbol.asyncDispose]();
});

afterEach(async () => {
  standIn.calls.length = 0;
  const order = wire.order(streamedChat('standin'));
  await wire.quoteAndPay(order);
  const { result, bytes } = await wire.outcome(order);
  expect(result.status, 'the next good job').toBe('ok');
  expect(standIn.calls).toHaveLength(1);
  expect(sha256(bytes)).toBe(standIn.calls[0]?.sha256);
  await seller.books.expectSound();
  standIn.calls.length = 0;
});

describe('a buyer that does not play fair', () => {
  it.each(versions)('v0.%i: gets one run for one payment, however often it asks', async (version) => {
    const order = wire.order(streamedChat('standin'), version);
    await wire.quoteAndPay(order);
    await wire.request(order); // paid, perhaps running
    await wire.hear(order, 'result');
    await seller.books.untilJob('delivered job', order.jobId, ({ delivery }) => delivery === 'delivered');
    await wire.request(order);
    await wire.hear(order, 'result', { count: wire.of(order, 'result').length + 1 });
    expect(sha256(wire.answer(order).bytes)).toBe(standIn.calls[0]?.sha256);
    expect(wire.of(order, 'error')).toEqual([]);
    expect(standIn.calls).toHaveLength(1);
  });

  it('gets the answer again when it asks as soon as it has the result', async () => {
    const order = wire.order(streamedChat('standin'), 3);
    await wire.quoteAndPay(order);
    await wire.hear(order, 'result');
    await wire.request(order);
    await wire.hear(order, 'result', { count: 2, deadlineMs: 10_000 });
    expect(wire.answer(order).repeated).toBeGreaterThan(0);
    expect(standIn.calls).toHaveLength(1);
  });

  const tricks = [
    { name: 'fifty answers', body: chat('standin', { n: 50 }) },
    { name: 'a second cap that only some decoders see', body: chat('standin', { max_tokens: 4000, Max_Tokens: 1500 }) },
    { name: 'the same key twice', body: chat('standin').replace('{', '{"max_tokens":1,') },
    { name: 'more than the cap', body: chat('standin', { max_tokens: 4_000_000 }) },
    { name: 'another model than it named', body: chat('standin'), as: '{"model":"other"}' },
    { name: 'options of the server', body: chat('standin', { options: { num_predict: 100_000 } }) },
  ];
  it.each(tricks)('is refused $name, before any invoice', async ({ body, as }) => {
    for (const version of versions) {
      const named = wire.order(body, version);
      const order = as === undefined ? named : { ...named, params: wire.order(as).params };
      await wire.request(order);
      const { code } = await wire.hear(order, 'error');
      expect(errorName(version, code)).toMatch(/^unsupported-(params|task)$/);
      expect(seller.books.job(order.jobId)).toBeUndefined();
    }
    expect(standIn.calls).toEqual([]);
  });

  it.each(versions)('v0.%i: can not pay what it has cancelled', async (version) => {
    const order = wire.order(streamedChat('standin'), version);
    const quote = await wire.quote(order);
    await wire.send({ kind: 'cancel', version, jobId: order.jobId });
    expect((await wire.hear(order, 'result')).status).toBe('cancelled');
    await expect(wire.pay(quote)).rejects.toMatchObject({ code: 'payment-failed' });
    const job = await seller.books.untilJob('closed job', order.jobId, ({ funding }) => funding === 'closed');
    expect(job.receivedMsat).toBeUndefined();
    expect(standIn.calls).toEqual([]);
  });

  it.each(versions)('v0.%i: pays what was produced until it cancelled, and no more', async (version) => {
    const order = wire.order(streamedChat('endless'), version);
    await wire.quoteAndPay(order);
    await until('three tokens', 10_000, async () => wire.answer(order).bytes.includes('before 2'));
    await wire.send({ kind: 'cancel', version, jobId: order.jobId });
    expect((await wire.hear(order, 'result')).status).toBe('cancelled');
    await standIn.calls[0]?.whenOver(); // the work upstream ends too
    const { funding, chargeMsat, breakdown } = seller.books.job(order.jobId)!;
    expect(funding).toBe('closed');
    expect(chargeMsat).toBe(chargeOf(breakdown.inputTokens, 3));
    expect(standIn.calls).toHaveLength(1);
  });

  it.each(versions)('v0.%i: is refused an input of 4 GiB when it is declared', async (version) => {
    const { jobId, taskKind, params, inputSha256, ...order } = wire.order(chat('standin'), version);
    const types = { contentType: order.inputContentType, contentEncoding: order.inputContentEncoding };
    const stream = { streamId: order.inputStreamId, totalBytes: 1n << 32n, sha256: inputSha256 };
    await wire.send({ kind: 'quote-request', version, jobId, taskKind, params });
    await wire.send({ kind: 'stream-begin', version, jobId, ...stream, streamKind: 'input', ...types });
    const { code } = await wire.hear({ ...order, jobId, taskKind, params, inputSha256 }, 'error');
    expect(errorName(version, code)).toBe('payload-too-large');
  });

  it('may send garbage of every type', async () => {
    const kinds: Kind[] = [
      'manifest',
      'quote-request',
      'quote',
      'result',
      'stream-begin',
      'stream-chunk',
      'stream-end',
      'cancel',
      'error',
    ];
    const lengths = [0, 1, 40, 60_000];
    for (const type of versions.flatMap((version) => kinds.map((kind) => messageType(version, kind)))) {
      for (const length of lengths) await wire.node.sendMessage(wire.provider, type, randomBytes(length));
    }
    expect(await seller.health()).toMatchObject({ status: 'ok' });
    seller.expectNoSecretLogged(['Hello there']);
  });
});
