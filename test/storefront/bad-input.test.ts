import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { errorCode } from '../../src/protocol/error-code.ts';
import type { ErrorName } from '../../src/protocol/error-code.ts';
import { messageType } from '../../src/protocol/message-type.ts';
import { encodeModelParams } from '../../src/protocol/params.ts';
import { Market, bothVersions } from '../harness/market.ts';
import { MODEL } from '../harness/scripted-backend.ts';
import { chat, hex32 } from '../harness/wire-buyer.ts';
import type { WireBuyer } from '../harness/wire-buyer.ts';

const body = chat();

/** The seller sells as before, and holds nothing of what went wrong. */
async function expectGoodJobWorks(market: Market): Promise<void> {
  const quote = await market.buyer.order();
  await market.buyer.pay(quote);
  expect((await market.buyer.result(quote.jobId)).status).toBe('ok');
}

type Misdeed = (buyer: WireBuyer, jobId: string) => Promise<unknown>;

const silent: Record<string, Misdeed> = {
  'bytes that are no TLV stream': (buyer) =>
    buyer.raw(messageType(buyer.version, 'quote-request'), Buffer.from('hello')),
  'an empty payload': (buyer) => buyer.raw(messageType(buyer.version, 'quote-request'), Buffer.alloc(0)),
  'types in the wrong order': (buyer) =>
    buyer.raw(messageType(buyer.version, 'cancel'), Buffer.from('02020002' + '01020002', 'hex')),
  'a type given twice': (buyer) =>
    buyer.raw(messageType(buyer.version, 'cancel'), Buffer.from('01020002' + '01020002', 'hex')),
  'a length that lies': (buyer) =>
    buyer.raw(messageType(buyer.version, 'stream-chunk'), Buffer.from('0102000202ff', 'hex')),
  'a length of 2^64 − 1': (buyer) =>
    buyer.raw(messageType(buyer.version, 'stream-chunk'), Buffer.from('01ffffffffffffffffff', 'hex')),
  'message types that are not ours': async (buyer) => {
    for (const type of [32_768, 42_080, 42_082, 42_099, 42_119, 65_535]) await buyer.raw(type, body);
  },
  'a message that has expired': (buyer, jobId) => buyer.request(jobId, { expiryS: 1n }),
  'a chunk of an unknown job': (buyer, jobId) => buyer.chunk(jobId, hex32(), 0, body),
  'the end of an unknown stream': (buyer, jobId) => buyer.end(jobId, hex32(), body),
  'a cancel of nothing': (buyer, jobId) => buyer.cancel(jobId),
  'a result stream for the seller': (buyer, jobId) => buyer.begin(jobId, body, { streamKind: 'result' } as object),
  'an error for an unknown job': (buyer, jobId) => buyer.send({ kind: 'error', jobId, code: 10 }),
  'a quote for the seller': (buyer, jobId) =>
    buyer.send({ kind: 'quote', jobId, priceMsat: 1n, quoteExpiryS: 1n, termsHash: hex32(), paymentRequest: 'lnbc1' }),
};

const refused: Record<string, { misdeed: Misdeed; error: ErrorName }> = {
  'a begin without a request': { misdeed: (buyer, jobId) => buyer.begin(jobId, body), error: 'invalid-state' },
  'an unknown kind': {
    misdeed: (buyer, jobId) => buyer.request(jobId, { taskKind: 'openai.images.v1' }),
    error: 'unsupported-task',
  },
  'an unknown model': {
    misdeed: (buyer, jobId) => buyer.request(jobId, { params: encodeModelParams('gpt-9') }),
    error: 'unsupported-task',
  },
  'params that are no TLV stream': {
    misdeed: (buyer, jobId) => buyer.request(jobId, { params: Buffer.from('nonsense') }),
    error: 'unsupported-params',
  },
  'params with an unknown type': {
    misdeed: (buyer, jobId) =>
      buyer.request(jobId, { params: Buffer.concat([encodeModelParams(MODEL), Buffer.from('0300', 'hex')]) }),
    error: 'unsupported-params',
  },
  'no params': { misdeed: (buyer, jobId) => buyer.request(jobId, { params: undefined }), error: 'unsupported-params' },
  'a protocol_version of another protocol': {
    misdeed: (buyer, jobId) => buyer.request(jobId, { protocolVersion: 9 }),
    error: 'unsupported-version',
  },
  'an input of 4 GiB': { misdeed: input({ totalBytes: 2n ** 32n }), error: 'payload-too-large' },
  'an input of 2^64 − 1 bytes': { misdeed: input({ totalBytes: 2n ** 64n - 1n }), error: 'payload-too-large' },
  'another content type': { misdeed: input({ contentType: 'application/json' }), error: 'unsupported-encoding' },
  'another content encoding': { misdeed: input({ contentEncoding: 'gzip' }), error: 'unsupported-encoding' },
  'a hash that does not fit': { misdeed: input({ sha256: hex32() }), error: 'checksum-mismatch' },
  'less than was declared': { misdeed: input({ totalBytes: BigInt(body.length + 1) }), error: 'checksum-mismatch' },
  'more than was declared': { misdeed: input({ totalBytes: BigInt(body.length - 1) }), error: 'payload-too-large' },
  'a chunk that is missing': {
    misdeed: async (buyer, jobId) => {
      const streamId = hex32();
      await buyer.request(jobId);
      await buyer.begin(jobId, body, { streamId });
      await buyer.chunk(jobId, streamId, 1, body);
    },
    error: 'chunk-out-of-order',
  },
  'an end that says something else than the begin': {
    misdeed: async (buyer, jobId) => {
      const streamId = hex32();
      await buyer.request(jobId);
      await buyer.begin(jobId, body, { streamId });
      await buyer.chunk(jobId, streamId, 0, body);
      await buyer.end(jobId, streamId, body, { totalBytes: BigInt(body.length + 1) });
    },
    error: 'checksum-mismatch',
  },
  'an end without a begin': {
    misdeed: async (buyer, jobId) => {
      await buyer.request(jobId);
      await buyer.end(jobId, hex32(), body);
    },
    error: 'invalid-state',
  },
  'a second stream beside the first': {
    misdeed: async (buyer, jobId) => {
      await buyer.request(jobId);
      await buyer.begin(jobId, body);
      await buyer.begin(jobId, body);
    },
    error: 'invalid-state',
  },
  'another request under the same id': {
    misdeed: async (buyer, jobId) => {
      await buyer.request(jobId);
      await buyer.request(jobId, { params: encodeModelParams('other') });
    },
    error: 'payment-invalid',
  },
  'JSON that is none': { misdeed: input({}, Buffer.from('{"model":')), error: 'unsupported-params' },
  'no bytes at all': { misdeed: input({}, Buffer.alloc(0)), error: 'unsupported-params' },
  'another model in the body': { misdeed: input({}, chat({ model: 'other' })), error: 'unsupported-params' },
  'no messages': { misdeed: input({}, chat({ messages: [] })), error: 'unsupported-params' },
  'fifty choices': { misdeed: input({}, chat({ n: 50 })), error: 'unsupported-params' },
  'a cap of zero': { misdeed: input({}, chat({ max_tokens: 0 })), error: 'unsupported-params' },
  'a cap above ours': { misdeed: input({}, chat({ max_tokens: 101 })), error: 'unsupported-params' },
  'max_tokens spelled in two ways': { misdeed: input({}, chat({ Max_Tokens: 90 })), error: 'unsupported-params' },
  best_of: { misdeed: input({}, chat({ best_of: 50 })), error: 'unsupported-params' },
};

function input(fields: object, bytes: Buffer = body): Misdeed {
  return async (buyer, jobId) => {
    await buyer.request(jobId);
    await buyer.input(jobId, bytes, fields);
  };
}

describe.each(bothVersions)('a seller of LCP v0.%i', (version) => {
  let market: Market;
  let clean: () => Promise<void>;
  beforeAll(async () => {
    market = await Market.open(version, {}, (cleaning) => (clean = cleaning));
  });
  afterAll(() => clean());

  test.each(Object.entries(silent))('says nothing to %s, and sells on', async (_what, misdeed) => {
    const jobId = hex32();
    await misdeed(market.buyer, jobId);
    await market.buyer.settled();
    expect(market.buyer.about(jobId)).toEqual([]);
    await expectGoodJobWorks(market);
    expect(market.seller.intake.size).toBe(0);
  });

  test.each(Object.entries(refused))('refuses %s, once, and sells on', async (_what, { misdeed, error }) => {
    const { buyer, seller, clock } = market;
    const before = (await seller.ledger.recentJobs(1_000)).length;
    const jobId = hex32();
    await misdeed(buyer, jobId);
    expect(await buyer.errorCode(jobId)).toBe(errorCode(version, error));
    await expectGoodJobWorks(market);
    expect(buyer.about(jobId)).toHaveLength(1);
    expect(seller.intake.size).toBeLessThanOrEqual(1);
    await clock.advance(60_000);
    expect(seller.intake.size).toBe(0);
    expect(await seller.ledger.recentJobs(1_000)).toHaveLength(before + 1);
  });
});
