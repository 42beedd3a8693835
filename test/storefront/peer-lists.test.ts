import { describe, expect, test } from 'vitest';
import { errorCode } from '../../src/protocol/error-code.ts';
import { unavailable } from '../harness/fake-node.ts';
import { Market, bothVersions } from '../harness/market.ts';
import { until } from '../harness/until.ts';
import { WireBuyer, chat, hex32 } from '../harness/wire-buyer.ts';

const tasksOf = (buyer: WireBuyer): number[] =>
  buyer.heard.flatMap((message) => (message.kind === 'manifest' ? [message.tasks?.length ?? 0] : []));

describe.each(bothVersions)('a seller of LCP v0.%i', (version) => {
  test('has nothing to do with a peer that is denied: no manifest, no answer, no memory of it', async () => {
    const first = await Market.open(version);
    const { nodeId } = first.network.account('denied');
    await first.restart({ peers: { deny: [nodeId] } });
    const denied = await WireBuyer.open(first.network, first.clock, version, 'denied');
    first.network.connect(first.seller.node.nodeId, nodeId);
    await denied.manifest();
    await denied.request(hex32());
    await denied.input(hex32(), chat());
    await first.clock.advance(10_000);
    await first.breathe();
    expect(denied.heard).toEqual([]);
    expect(first.seller.session.onlinePeers()).not.toContain(nodeId);
    expect(await first.seller.ledger.manifests(nodeId)).toEqual([]);
    expect((await first.buyer.order()).priceMsat).toBeGreaterThan(0n);
  });

  test('that sells to peers with a channel only offers nothing to others, until they have one', async () => {
    const market = await Market.open(version, { peers: { channelOnly: true } });
    const stranger = await market.stranger('stranger');
    await until('a manifest', () => tasksOf(stranger).length > 0);
    expect(tasksOf(stranger).every((count) => count === 0)).toBe(true);
    const jobId = hex32();
    await stranger.request(jobId);
    expect(await stranger.errorCode(jobId)).toBe(errorCode(version, 'unsupported-task'));
    expect((await market.buyer.order()).priceMsat).toBeGreaterThan(0n);
    market.seller.node.channelless.clear();
    await market.clock.advance(30_000);
    await until('a manifest that offers something', () => (tasksOf(stranger).at(-1) ?? 0) > 0);
    expect((await stranger.order()).priceMsat).toBeGreaterThan(0n);
  });

  test('that names whom it serves serves nobody else', async () => {
    const first = await Market.open(version);
    const { nodeId } = first.network.account('friend');
    await first.restart({ peers: { allow: [nodeId] } });
    const friend = await first.stranger('friend');
    await first.buyer.manifest();
    const jobId = hex32();
    await first.buyer.request(jobId);
    expect(await first.buyer.errorCode(jobId)).toBe(errorCode(version, 'unsupported-task'));
    expect((await friend.order()).priceMsat).toBeGreaterThan(0n);
  });
});

test('a peer with a channel is trusted while the node cannot tell its channels, as it was when it could', async () => {
  const market = await Market.open();
  const isTrusted = (): boolean => market.seller.admission.holder(market.buyer.node.nodeId).isTrusted;
  expect(isTrusted()).toBe(true);
  market.seller.node.faults.channelPeers = unavailable;
  await market.clock.advance(60_000);
  expect(isTrusted()).toBe(true);
  delete market.seller.node.faults.channelPeers;
  market.seller.node.channelless.add(market.buyer.node.nodeId);
  await market.clock.advance(30_000);
  expect(isTrusted()).toBe(false);
});
