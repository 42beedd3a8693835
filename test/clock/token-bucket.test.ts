import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TokenBucket, TokenBuckets } from '../../src/clock/token-bucket.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

const takeWhilePossible = (bucket: TokenBucket, nowMs: number): number => {
  let taken = 0;
  while (bucket.waitMs(1, nowMs) === 0) {
    bucket.take(1, nowMs);
    taken++;
  }
  return taken;
};

describe('a token bucket', () => {
  test('gives what it holds at once, and then what flows back', () => {
    const bucket = new TokenBucket({ perMinute: 60, burst: 10 }, 0);
    expect(takeWhilePossible(bucket, 0)).toBe(10);
    expect(bucket.waitMs(1, 0)).toBe(1_000);
    expect(takeWhilePossible(bucket, 3_000)).toBe(3);
    expect(takeWhilePossible(bucket, HOUR_MS)).toBe(10);
  });

  test('says how long to wait so that one who waits gets it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), fc.integer({ min: 1, max: 100 }), (perMinute, amount) => {
        const bucket = new TokenBucket({ perMinute }, 0);
        bucket.take(perMinute, 0);
        expect(bucket.waitMs(amount, bucket.waitMs(amount, 0))).toBe(0);
      }),
    );
  });

  test('never gives more than its burst and its rate, however the clock jumps ahead, and never waits longer than it would have, however it jumps back', () => {
    const moves = fc.array(fc.integer({ min: -HOUR_MS, max: MINUTE_MS }), { maxLength: 30 });
    fc.assert(
      fc.property(moves, (moves) => {
        const bucket = new TokenBucket({ perMinute: 60 }, 0);
        let [nowMs, taken, aheadMs] = [0, takeWhilePossible(bucket, 0), 0];
        for (const move of moves) {
          nowMs += move;
          aheadMs += Math.max(0, move);
          taken += takeWhilePossible(bucket, nowMs);
          expect(bucket.waitMs(1, nowMs)).toBeLessThanOrEqual(1_000);
        }
        expect(taken).toBeLessThanOrEqual(61 + aheadMs / 1_000);
      }),
    );
  });

  test('owes no more than a bucket full', () => {
    const bucket = new TokenBucket({ perMinute: 60 }, 0);
    bucket.take(1e9, 0);
    expect(bucket.waitMs(1, 0)).toBe(61_000);
  });
});

describe('many token buckets', () => {
  test('know a key from another, and forget the one that was not used for longest', () => {
    const buckets = new TokenBuckets({ perMinute: 1 }, 2);
    expect(buckets.tryOne('a', 0)).toBe(true);
    expect(buckets.tryOne('a', 0)).toBe(false);
    expect(buckets.tryOne('b', 0)).toBe(true);
    expect(buckets.tryOne('a', 0)).toBe(false);
    expect(buckets.tryOne('c', 0)).toBe(true);
    expect(buckets.tryOne('a', 0)).toBe(false);
    expect(buckets.tryOne('b', 0)).toBe(true);
  });
});
