import { describe, expect, test } from 'vitest';
import type { Readiness } from '../../../src/backend/pool.ts';
import type { Job } from '../../../src/job/job.ts';
import type { Declined } from '../../../src/storefront/admission/declined.ts';
import { Warming } from '../../../src/storefront/admission/warming.ts';
import { ManualClock } from '../../harness/manual-clock.ts';

const acceptedAtMs = new ManualClock().nowMs();
const quote = { acceptedAtMs, peer: 'a', funding: 'open', run: 'none', delivery: 'none', work: { model: 'm' } } as Job;
const queued: Job = { ...quote, funding: 'funded', run: 'queued' };
const over: Job = { ...quote, funding: 'closed', run: 'ended', delivery: 'done' };

/** Warming over a pool in this state; remembers what it was asked. */
function warmingWith(readiness: Readiness, jobs: readonly Job[] = [], declined?: Declined) {
  const clock = new ManualClock();
  const asked: { owed: string[] }[] = [];
  const loaded: string[] = [];
  const warming = new Warming({
    clock,
    pool: {
      readiness: (_model, owed) => {
        asked.push({ owed: [...owed] });
        return readiness;
      },
      load: (model) => void loaded.push(model),
    },
    admission: { admit: () => declined },
    peers: { isTrusted: (peer) => peer.startsWith('friend') },
    jobs: () => jobs,
  });
  return { warming, clock, loaded, asked };
}

describe('a model', () => {
  test('that is ready is sold', () => {
    expect(warmingWith({ kind: 'ready' }).warming.decline('a', 'x')).toBeUndefined();
  });

  test('that is not in memory is loaded, and the buyer told when to come back', () => {
    const { warming, loaded } = warmingWith({ kind: 'loadable', takesMs: 7_500 });
    expect(warming.decline('a', 'x')).toEqual({
      refusal: 'rate-limited',
      message: 'this model is being loaded; try again in about 8 s',
    });
    expect(loaded).toEqual(['x']);
  });

  test('is not loaded for a peer that had too many loaded', () => {
    const declined: Declined = { refusal: 'rate-limited', message: 'too many models to load' };
    const { warming, loaded } = warmingWith({ kind: 'loadable', takesMs: 1 }, [], declined);
    expect(warming.decline('a', 'x')).toBe(declined);
    expect(loaded).toEqual([]);
  });

  test.each([
    ['that is being loaded', 'loading', /^this model is being loaded; try again in about 3 s$/],
    ['whose backend is at work', 'blocked', /its backend is at work with another one; try again in about 3 s$/],
  ] as const)('%s is not loaded again, and costs its buyer nothing', (_what, kind, message) => {
    const declined: Declined = { refusal: 'rate-limited', message: 'too many' };
    const { warming, loaded } = warmingWith({ kind, leftMs: 3_000 }, [], declined);
    expect(warming.decline('a', 'x')?.message).toMatch(message);
    expect(loaded).toEqual([]);
  });
});

describe('owed is the model', () => {
  test.each([
    ['of a paid job', queued, 'stranger', ['m']],
    ['of a paid job, to a trusted peer too', queued, 'friend', ['m']],
    ['of a quote that can be paid', quote, 'stranger', ['m']],
    ['of the quote of a trusted peer', { ...quote, peer: 'friend 1' }, 'friend 2', ['m']],
    ["of no stranger's quote when a trusted peer asks", quote, 'friend', []],
    ['of no job that is over', over, 'stranger', []],
  ] as const)('%s', (_what, job, peer, owed) => {
    const { warming, asked } = warmingWith({ kind: 'ready' }, [job]);
    warming.decline(peer, 'x');
    expect(asked).toEqual([{ owed }]);
  });

  test.each([
    ['of a quote, for a minute', quote, []],
    ['of a job whose payment is held, until it is over', { ...quote, funding: 'held', run: 'running' }, ['m']],
    ['of a paid job, until it is over', queued, ['m']],
  ] as const)('%s', async (_what, job, later) => {
    const { warming, clock, asked } = warmingWith({ kind: 'ready' }, [job]);
    await clock.advance(59_999);
    warming.decline('b', 'x');
    await clock.advance(1);
    warming.decline('b', 'x');
    expect(asked).toEqual([{ owed: ['m'] }, { owed: later }]);
  });

  test.each([
    ['a stranger', 'stranger', 'other stranger', ['x']],
    ['a stranger, and a trusted peer comes', 'stranger', 'friend', []],
    ['a trusted peer', 'friend 1', 'friend 2', ['x']],
    ['a trusted peer, and a stranger comes', 'friend', 'stranger', ['x']],
  ] as const)('that was loaded for %s, until it had time to come back', async (_whom, loader, peer, owed) => {
    const { warming, clock, asked } = warmingWith({ kind: 'loadable', takesMs: 4_000 });
    warming.decline(loader, 'x');
    await clock.advance(23_999);
    warming.decline(peer, 'y');
    expect(asked.at(-1)).toEqual({ owed });
  });

  test('no more, when who had it loaded did not come back', async () => {
    const { warming, clock, asked } = warmingWith({ kind: 'loadable', takesMs: 4_000 });
    warming.decline('a', 'x');
    await clock.advance(24_000);
    warming.decline('b', 'y');
    expect(asked.at(-1)).toEqual({ owed: [] });
  });

  test('not, when its load was declined', () => {
    const declined: Declined = { refusal: 'rate-limited', message: 'too many models to load' };
    const { warming, asked } = warmingWith({ kind: 'loadable', takesMs: 4_000 }, [], declined);
    warming.decline('a', 'x');
    warming.decline('b', 'y');
    expect(asked.at(-1)).toEqual({ owed: [] });
  });
});
