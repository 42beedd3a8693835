import { describe, expect, test } from 'vitest';
import type { Job } from '../../../src/job/job.ts';
import { msat } from '../../../src/money/msat.ts';
import { Admission } from '../../../src/storefront/admission/admission.ts';
import { KnownPeers } from '../../../src/storefront/admission/known-peers.ts';
import { ManualClock } from '../../harness/manual-clock.ts';
import { LIMITS } from '../../harness/seller.ts';

const HOUR_MS = 3_600_000;
const LONGEST_COUNT_MS = 1_500;

/** Admission at a counter where nothing goes on. */
function quietAdmission() {
  const clock = new ManualClock();
  const peers = new KnownPeers({ allow: [], deny: [], channelOnly: false });
  const admission = new Admission({
    clock,
    peers,
    jobs: () => [],
    queue: () => ({ slots: 1, running: 0, waiting: 0 }),
    spoolUsedBytes: () => 0,
    limits: { ...LIMITS, spoolBytes: 1e9, longestWaitMs: 60_000, firstRunMs: 60_000, longestRunMs: 600_000 },
  });
  return { clock, peers, admission };
}

const unpaid = { key: 'job', peer: 'a', funding: 'open', run: 'none', work: { model: 'm' } } as Job;
const paid = { ...unpaid, funding: 'funded', run: 'queued', receivedMsat: msat(1_000n) } as Job;

describe('models that are loaded for peers', () => {
  const load = (model = 'm') => ({ kind: 'load', model }) as const;

  test('are so many a minute for one peer, for strangers together, and for all', async () => {
    const { admission, peers, clock } = quietAdmission();
    peers.setChannelPeers(new Set(['friend', 'other friend']));
    const taken = (peer: string): number => {
      for (let count = 0; ; count++) if (admission.admit(peer, load()) !== undefined) return count;
    };
    expect(taken('a')).toBe(LIMITS.modelLoadsPerMinutePerPeer);
    expect(admission.admit('a', load())).toMatchObject({
      refusal: 'rate-limited',
      message: 'too many models to load; try again in about 30 s',
    });
    expect(taken('b') + taken('c')).toBe(LIMITS.modelLoadsPerMinute / 2 - LIMITS.modelLoadsPerMinutePerPeer);
    expect(taken('friend') + taken('other friend')).toBe(LIMITS.modelLoadsPerMinute / 2);
    await clock.advance(60_000);
    expect(taken('a')).toBe(LIMITS.modelLoadsPerMinutePerPeer);
  });

  test('do not count for who pays for the model then, and for nobody else', () => {
    const { admission } = quietAdmission();
    for (let count = 0; count < LIMITS.modelLoadsPerMinutePerPeer; count++) admission.admit('a', load());
    const ofAnother = { ...unpaid, key: 'another', peer: 'b' };
    admission.jobChanged(ofAnother, { ...paid, key: 'another', peer: 'b' });
    expect(admission.admit('a', load())).toBeDefined();
    admission.jobChanged(unpaid, paid);
    expect(admission.admit('a', load())).toBeUndefined();
    admission.jobChanged(unpaid, paid);
    admission.jobChanged(unpaid, paid); // a second job of it gives nothing back
    expect(admission.admit('a', load())).toBeUndefined();
    expect(admission.admit('a', load())).toBeDefined();
  });
});

describe('time that is spent on counting for a peer', () => {
  const counting = { kind: 'counting' } as const;
  /** How many counts may begin before the first of them ends. */
  const begun = (admission: Admission, peers: readonly string[]): number => {
    const may = peers.filter((peer) => admission.admit(peer, counting) === undefined && admission.reserveCount(peer));
    return may.length;
  };
  const oneAfterAnother = (admission: Admission, peer: string, tookMs: number): number => {
    for (let count = 0; ; count++) {
      if (admission.admit(peer, counting) !== undefined) return count;
      admission.counted(admission.reserveCount(peer), tookMs);
    }
  };
  const names = (name: string, count: number): string[] => Array.from({ length: count }, (_, index) => name + index);

  test('is bounded by the minute, and flows back', async () => {
    const { admission, clock } = quietAdmission();
    expect(oneAfterAnother(admission, 'a', 1_000)).toBe(9); // 1 s of 10 is left, and one count may take 1.5
    expect(admission.admit('a', counting)).toMatchObject({
      refusal: 'rate-limited',
      message: 'too many long requests that were not paid; try again in about 3 s',
    });
    expect(admission.admit('b', counting)).toBeUndefined();
    await clock.advance(3_000);
    expect(oneAfterAnother(admission, 'a', 1_000)).toBe(1);
  });

  test('is bounded for strangers that come at once, whose limit is not that of trusted peers', () => {
    const { admission, peers } = quietAdmission();
    const friends = names('friend ', 34);
    peers.setChannelPeers(new Set(friends));
    const strangersMs = (LIMITS.countingSecondsPerMinute * 1000) / 2;
    expect(begun(admission, names('stranger ', 34))).toBe(strangersMs / LONGEST_COUNT_MS);
    expect(begun(admission, friends)).toBe(strangersMs / LONGEST_COUNT_MS);
  });

  test('is not the time that it waited: nobody is booked more than one count may take', () => {
    const { admission } = quietAdmission();
    expect(admission.counted(admission.reserveCount('a'), 60_000)).toBe(LONGEST_COUNT_MS);
    expect(oneAfterAnother(admission, 'a', LONGEST_COUNT_MS)).toBe(5); // and the sixth was before
  });

  test('is what it took: the rest of what was set aside is there again', () => {
    const { admission } = quietAdmission();
    for (let count = 0; count < 1_000; count++) admission.counted(admission.reserveCount('a'), 1);
    expect(oneAfterAnother(admission, 'a', LONGEST_COUNT_MS)).toBe(6); // 9 s are left
  });

  test('is given back when the quote is paid', () => {
    const { admission } = quietAdmission();
    const countingMs = admission.counted(admission.reserveCount('a'), LONGEST_COUNT_MS);
    admission.quoted('a', unpaid.key, countingMs);
    oneAfterAnother(admission, 'a', LONGEST_COUNT_MS);
    expect(admission.admit('a', counting)).toBeDefined();
    admission.jobChanged(unpaid, paid);
    expect(admission.admit('a', counting)).toBeUndefined();
    expect(admission.holder('a').isTrusted).toBe(true);
  });

  test.each([HOUR_MS, -HOUR_MS])('is not what a clock says that jumped by %i ms', (jumpMs) => {
    const { admission } = quietAdmission();
    expect(admission.counted(admission.reserveCount('a'), jumpMs)).toBe(jumpMs > 0 ? LONGEST_COUNT_MS : 0);
  });
});

describe('work for a payment that was only held', () => {
  const held = { ...unpaid, funding: 'held', run: 'running', work: { model: 'm' }, startedAtMs: 1_000 } as Job;
  const ended = { ...held, funding: 'closing', run: 'ended', endedAtMs: 16_000 } as Job;

  test('is the time of a peer that cancels it, and of nobody else', async () => {
    const { admission, clock } = quietAdmission();
    admission.jobChanged(held, { ...ended, cancelled: true });
    expect(admission.admit('a', { kind: 'counting' })).toMatchObject({ refusal: 'rate-limited' });
    for (let count = 0; count < 100; count++) admission.jobChanged(held, { ...ended, peer: 'b', cancelled: true });
    expect(admission.admit('c', { kind: 'counting' })).toBeUndefined();
    await clock.advance(60_000);
    expect(admission.admit('a', { kind: 'counting' })).toBeUndefined();
  });

  test.each([
    ['failed', { ...ended, run: 'failed', cancelled: false }],
    ['was cancelled when it was paid', { ...ended, cancelled: true, receivedMsat: msat(1n) }],
  ])('is ours when it %s', (_why, after) => {
    const { admission } = quietAdmission();
    admission.jobChanged(held, after as Job);
    expect(admission.admit('a', { kind: 'counting' })).toBeUndefined();
  });
});

describe('messages that most likely mean nothing', () => {
  test('have the ledger asked so many times a minute, however many strangers send them', () => {
    const { admission } = quietAdmission();
    let asked = 0;
    for (let count = 0; count < 10_000; count++)
      if (admission.admit(`peer ${count % 100}`, { kind: 'stray' }) === undefined) asked++;
    expect(asked).toBe(1_500);
  });
});

describe('a seller that closes', () => {
  test('declines quotes and nothing else', () => {
    const { admission } = quietAdmission();
    admission.close();
    expect(admission.admit('a', { kind: 'quote', model: 'm' })).toMatchObject({ refusal: 'rate-limited' });
    expect(admission.admit('a', { kind: 'repeat', job: 'job' })).toBeUndefined();
  });
});
