import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { messageType } from '../../src/protocol/codec.ts';
import { errorName } from '../../src/protocol/error-code.ts';
import type { Kind } from '../../src/protocol/messages.ts';
import { Market } from './market.ts';
import { chat } from './rig-buyer.ts';
import { sharedRig } from './shared-rig.ts';

const rig = sharedRig();
const versions = [2, 3] as const;
let market: Market;

beforeAll(async () => {
  market = await Market.open(rig);
});
afterAll(() => market[Symbol.asyncDispose]());
afterEach(() => market.expectGoodSales());

describe('a request that promises little and wants much', () => {
  const tricks = [
    { name: 'fifty answers', body: chat('standin', { n: 50 }) },
    { name: 'a hundred answers', body: chat('standin', { n: 100 }) },
    { name: 'a second cap that only some decoders see', body: chat('standin', { max_tokens: 4000, Max_Tokens: 1500 }) },
    { name: 'a second cap in odd case', body: chat('standin').replace('{', '{"mAX_tOkEnS":4000,') },
    { name: 'the same key twice', body: chat('standin').replace('{', '{"max_tokens":1,') },
    { name: 'more than the cap', body: chat('standin', { max_tokens: 4_000_000 }) },
    { name: 'another model than it named', body: chat('standin'), as: '{"model":"other"}' },
    { name: 'options of the server', body: chat('standin', { options: { num_predict: 100_000 } }) },
  ];
  it.each(tricks)('is refused $name, before any invoice', async ({ body, as }) => {
    const { wire, seller, standIn } = market;
    const made = await market.invoicesMade();
    const calls = standIn.calls.length;
    for (const version of versions) {
      const named = wire.order(body, version);
      const order = as === undefined ? named : { ...named, params: wire.order(as).params };
      await wire.request(order);
      const { code } = await wire.hear(order, 'error');
      expect(errorName(version, code)).toMatch(/^unsupported-(params|task)$/);
      expect(seller.books.job(order.jobId)).toBeUndefined();
    }
    expect(await market.invoicesMade()).toBe(made);
    expect(standIn.calls).toHaveLength(calls);
  });

  it.each(versions)('v0.%i: is refused an input of 4 GiB when it is declared', async (version) => {
    const { wire } = market;
    const order = wire.order(chat('standin'), version);
    await wire.beginRequest(order, 1n << 32n);
    const { code } = await wire.hear(order, 'error');
    expect(errorName(version, code)).toBe('payload-too-large');
  });

  it('may be garbage of every type', async () => {
    const { wire, seller } = market;
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
