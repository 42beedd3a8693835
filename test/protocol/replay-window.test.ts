import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Kind } from '../../src/protocol/messages.ts';
import { ReplayWindow, type Admission } from '../../src/protocol/replay-window.ts';

const NOW = 1_767_225_600n;
const roomy = { maxPerPeer: 10_000, maxTotal: 100_000 };

function message(id: number, expiryS: bigint, kind: Kind = 'cancel') {
  const msgId = id.toString(16).padStart(64, '0');
  return { kind, jobId: 'aa'.repeat(32), msgId, expiryS };
}

describe('a message', () => {
  test('is fresh once and then a duplicate, for this peer, job and msg_id only', () => {
    const window = new ReplayWindow(roomy);
    const first = message(1, NOW + 300n);
    expect(window.admit('alice', first, NOW)).toBe('fresh');
    expect(window.admit('alice', first, NOW)).toBe('duplicate');
    expect(window.admit('bob', first, NOW)).toBe('fresh');
    expect(window.admit('alice', { ...first, jobId: 'bb'.repeat(32) }, NOW)).toBe('fresh');
    expect(window.admit('alice', message(2, NOW + 300n), NOW)).toBe('fresh');
    expect(window.size).toBe(4);
  });

  test('is valid in the very second of its expiry, and expired in the next', () => {
    const window = new ReplayWindow(roomy);
    expect(window.admit('alice', message(1, NOW), NOW)).toBe('fresh');
    expect(window.admit('alice', message(1, NOW), NOW)).toBe('duplicate');
    expect(window.admit('alice', message(1, NOW), NOW + 1n)).toBe('expired');
    expect(window.size).toBe(0);
  });

  test('with an expiry far away is remembered for 600 seconds', () => {
    const window = new ReplayWindow(roomy);
    const far = message(1, 2n ** 64n - 1n);
    expect(window.admit('alice', far, NOW)).toBe('fresh');
    expect(window.admit('alice', far, NOW + 600n)).toBe('duplicate');
    expect(window.admit('alice', far, NOW + 601n)).toBe('fresh');
  });

  test('that is a chunk is judged by its expiry and never stored', () => {
    const window = new ReplayWindow(roomy);
    expect(window.admit('alice', message(1, NOW, 'stream-chunk'), NOW)).toBe('fresh');
    expect(window.admit('alice', message(1, NOW, 'stream-chunk'), NOW)).toBe('fresh');
    expect(window.admit('alice', message(1, NOW - 1n, 'stream-chunk'), NOW)).toBe('expired');
    expect(window.size).toBe(0);
  });
});

describe('a full window', () => {
  test('forgets of a peer what expires first, and nothing of another peer', () => {
    const window = new ReplayWindow({ maxPerPeer: 2, maxTotal: 100 });
    window.admit('bob', message(9, NOW + 1n), NOW);
    window.admit('alice', message(1, NOW + 300n), NOW);
    window.admit('alice', message(2, NOW + 100n), NOW);
    window.admit('alice', message(3, NOW + 200n), NOW);
    expect(window.size).toBe(3);
    expect(window.admit('alice', message(1, NOW + 300n), NOW)).toBe('duplicate');
    expect(window.admit('alice', message(3, NOW + 200n), NOW)).toBe('duplicate');
    expect(window.admit('bob', message(9, NOW + 1n), NOW)).toBe('duplicate');
    expect(window.admit('alice', message(2, NOW + 100n), NOW)).toBe('fresh');
  });

  test('of all peers together forgets what expires first, whoever sent it', () => {
    const window = new ReplayWindow({ maxPerPeer: 10, maxTotal: 3 });
    const peers = ['alice', 'bob', 'carol', 'dave'];
    peers.forEach((peer, index) => window.admit(peer, message(1, NOW + 100n - BigInt(index)), NOW));
    expect(window.size).toBe(3);
    expect(window.admit('alice', message(1, NOW + 100n), NOW)).toBe('duplicate');
    expect(window.admit('carol', message(1, NOW + 98n), NOW)).toBe('fresh');
  });

  test('refuses to be made with no room at all', () => {
    expect(() => new ReplayWindow({ maxPerPeer: 0, maxTotal: 1 })).toThrow(RangeError);
  });

  test.each<[string, (id: number) => bigint]>([
    ['all of one second', () => 600n],
    ['late and early in turn', (id) => (id % 2 === 0 ? 600n : BigInt(id % 601))],
    ['later and later', (id) => BigInt(id % 601)],
    ['earlier and earlier', (id) => BigInt(600 - (id % 601))],
  ])('stays fast and within its bounds under a flood of messages, %s', (_order, expiresInS) => {
    for (const maxPerPeer of [1_000, 20_000]) {
      const window = new ReplayWindow({ maxPerPeer, maxTotal: 20_000 });
      const started = performance.now();
      for (let id = 0; id < 60_000; id++) {
        window.admit(`peer ${id % 10}`, message(id, NOW + expiresInS(id)), NOW);
      }
      expect(window.size).toBe(Math.min(10 * maxPerPeer, 20_000));
      expect(performance.now() - started).toBeLessThan(5_000);
      expect(window.admit('peer 1', message(1, NOW), NOW + 601n)).toBe('expired');
      expect(window.size).toBe(0);
    }
  });
});

/** The same rules, as slowly and plainly as can be. */
class NaiveWindow {
  #entries: { peer: string; id: string; until: bigint; order: number }[] = [];
  #order = 0;
  readonly #maxPerPeer: number;
  readonly #maxTotal: number;

  constructor(maxPerPeer: number, maxTotal: number) {
    this.#maxPerPeer = maxPerPeer;
    this.#maxTotal = maxTotal;
  }

  admit(peer: string, { msgId: id, expiryS }: ReturnType<typeof message>, now: bigint): Admission {
    this.#entries = this.#entries.filter(({ until }) => until >= now);
    if (expiryS < now) return 'expired';
    if (this.#entries.some((entry) => entry.peer === peer && entry.id === id)) return 'duplicate';
    if (this.#entries.filter((entry) => entry.peer === peer).length >= this.#maxPerPeer) {
      this.#dropFirst((entry) => entry.peer === peer);
    }
    if (this.#entries.length >= this.#maxTotal) this.#dropFirst(() => true);
    const until = expiryS < now + 600n ? expiryS : now + 600n;
    this.#entries.push({ peer, id, until, order: this.#order++ });
    return 'fresh';
  }

  #dropFirst(among: (entry: { peer: string }) => boolean): void {
    const [first] = this.#entries.filter(among).sort((a, b) => Number(a.until - b.until) || a.order - b.order);
    this.#entries = this.#entries.filter((entry) => entry !== first);
  }
}

test('the window answers as a plain list of everything would, whatever comes, also when the clock is set back', () => {
  const step = fc.record({
    peer: fc.constantFrom('a', 'b', 'c'),
    id: fc.nat({ max: 12 }),
    expiresInS: fc.oneof(fc.integer({ min: -2, max: 12 }), fc.integer({ min: 590, max: 620 })),
    passedS: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.integer({ min: -5, max: 8 }), fc.constant(700)),
  });
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 80 }),
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 1, max: 12 }),
      (steps, maxPerPeer, maxTotal) => {
        const window = new ReplayWindow({ maxPerPeer, maxTotal });
        const naive = new NaiveWindow(maxPerPeer, maxTotal);
        let now = NOW;
        for (const { peer, id, expiresInS, passedS } of steps) {
          now += BigInt(passedS);
          const sent = message(id, now + BigInt(expiresInS));
          expect(window.admit(peer, sent, now)).toBe(naive.admit(peer, sent, now));
          expect(window.size).toBeLessThanOrEqual(maxTotal);
        }
      },
    ),
    { numRuns: 1_000 },
  );
});
