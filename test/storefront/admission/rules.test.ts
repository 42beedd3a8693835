import { describe, expect, test } from 'vitest';
import { KnownPeers } from '../../../src/storefront/admission/known-peers.ts';
import { RefusalLog } from '../../../src/storefront/admission/refusal-log.ts';
import { RunTimes } from '../../../src/storefront/admission/run-times.ts';

const everybody = { allow: [], deny: [], channelOnly: false };

describe('a peer', () => {
  test('is trusted with a channel, and no more when it is closed', () => {
    const peers = new KnownPeers(everybody);
    expect([peers.isServed('a'), peers.isTrusted('a')]).toEqual([true, false]);
    peers.setChannelPeers(new Set(['a']));
    expect(peers.isTrusted('a')).toBe(true);
    peers.setChannelPeers(new Set());
    expect(peers.isTrusted('a')).toBe(false);
  });

  test('is trusted since it paid; so many payers are remembered, the latest', () => {
    const peers = new KnownPeers(everybody);
    for (let count = 0; count <= 10_000; count++) peers.paid(`payer ${count}`);
    expect(peers.isTrusted('payer 0')).toBe(false);
    expect(peers.isTrusted('payer 1')).toBe(true);
    expect(peers.isTrusted('payer 10000')).toBe(true);
  });

  test('that is denied is neither served nor trusted, whatever it has', () => {
    const peers = new KnownPeers({ allow: ['a'], deny: ['a'], channelOnly: true });
    peers.setChannelPeers(new Set(['a']));
    peers.paid('a');
    expect([peers.isDenied('a'), peers.isServed('a'), peers.isTrusted('a')]).toEqual([true, false, false]);
  });

  test.each([
    ['nobody is named', everybody, ['named', 'channel', 'other']],
    ['some are allowed', { ...everybody, allow: ['named'] }, ['named']],
    ['only channels are', { ...everybody, channelOnly: true }, ['channel']],
    ['both', { ...everybody, allow: ['named'], channelOnly: true }, ['named', 'channel']],
  ])('is served as the operator says: %s', (_name, rules, served) => {
    const peers = new KnownPeers(rules);
    peers.setChannelPeers(new Set(['channel']));
    expect(['named', 'channel', 'other'].filter((peer) => peers.isServed(peer))).toEqual(served);
  });

  test('is told of when a channel makes it served, or the loss of one ends that', () => {
    const peers = new KnownPeers({ ...everybody, allow: ['named'], channelOnly: true });
    expect(peers.setChannelPeers(new Set(['a', 'named']))).toEqual(['a']);
    expect(peers.setChannelPeers(new Set(['b', 'named']))).toEqual(['a', 'b']);
    expect(new KnownPeers(everybody).setChannelPeers(new Set(['a']))).toEqual([]);
  });
});

describe('the wait for a slot', () => {
  const busy = { slots: 2, running: 2, waiting: 3 };

  test('is none while a slot is free', () => {
    const times = new RunTimes(60_000);
    expect(times.waitMs('m', { slots: 2, running: 1, waiting: 0 }, 0)).toBe(0);
    expect(times.waitMs('m', { slots: 2, running: 1, waiting: 0 }, 1)).toBe(30_000);
  });

  test('is guessed before a run has ended, then follows the runs of that model', () => {
    const times = new RunTimes(60_000);
    expect(times.waitMs('m', busy, 0)).toBe(120_000);
    times.ended('m', 10_000);
    expect(times.waitMs('m', busy, 0)).toBe(20_000);
    for (let count = 0; count < 50; count++) times.ended('m', 2_000);
    expect(times.waitMs('m', busy, 0)).toBeCloseTo(4_000, -1);
    expect(times.waitMs('other', busy, 0)).toBe(120_000);
  });
});

describe('the log of refusals', () => {
  test('has ten lines of one peer in a minute, and then says how many it left out', () => {
    const log = new RefusalLog();
    const lines = Array.from({ length: 1_000 }, () => log.refused('a', 0)).filter((line) => line !== undefined);
    expect(lines).toEqual(Array(10).fill(0));
    expect(log.refused('b', 0)).toBe(0);
    expect(log.refused('a', 60_000)).toBe(990);
    expect(log.refused('a', 60_000)).toBe(0);
  });

  test('is bounded whoever is refused', () => {
    const log = new RefusalLog();
    const lines = Array.from({ length: 10_000 }, (_, count) => log.refused(`peer ${count}`, 0));
    expect(lines.filter((line) => line !== undefined)).toHaveLength(120);
  });
});
