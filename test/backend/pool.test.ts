import fc from 'fast-check';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { BackendError } from '../../src/backend/backend.ts';
import type { Backend, BackendModel } from '../../src/backend/backend.ts';
import { createPool } from '../../src/backend/queueing-pool.ts';
import type { BackendPool, PoolMember, PoolOptions, Slot } from '../../src/backend/pool.ts';
import { taskKinds } from '../../src/openai/request.ts';
import { HandClock } from './hand-clock.ts';

let clock: HandClock;
beforeEach(() => {
  clock = new HandClock();
});
const never = new AbortController().signal;

/** A backend whose models a test sets; `undefined`: it does not answer. */
interface Shelf extends Backend {
  stock: readonly BackendModel[] | undefined;
  asked: number;
  isClosed: boolean;
}

function shelf(name: string, ...stock: readonly (string | BackendModel)[]): Shelf {
  return {
    name,
    stock: stock.map((model) => (typeof model === 'string' ? { id: model } : model)),
    asked: 0,
    isClosed: false,
    outputCapField: 'max_tokens',
    run: () => Promise.reject(new Error('not here')),
    async models() {
      this.asked += 1;
      if (this.stock === undefined)
        throw new BackendError('the backend cannot be reached (ECONNREFUSED)', { retryable: true });
      return [...this.stock];
    },
    async close() {
      this.isClosed = true;
    },
  };
}

const poolOf = (members: readonly PoolMember[], more: Partial<PoolOptions> = {}): BackendPool =>
  createPool({ members, clock, maxQueueLength: 100, ...more });

async function started(members: readonly PoolMember[], more: Partial<PoolOptions> = {}): Promise<BackendPool> {
  const pool = poolOf(members, more);
  await pool.start();
  return pool;
}

const failureOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'none',
    (error: unknown) =>
      error instanceof BackendError && !error.retryable ? error.message : `unexpected: ${String(error)}`,
  );

/** Lets everything happen that is due: promises, and the admission's own short timers. */
const settled = async (pool: BackendPool, waiting: number): Promise<void> => {
  await vi.waitUntil(() => pool.waiting() === waiting, { interval: 1 });
};

describe('the queue', () => {
  test('is first come, first served', async () => {
    const pool = await started([{ backend: shelf('a', 'm'), slots: 2 }]);
    const order: number[] = [];
    const jobs = Array.from({ length: 20 }, async (_, index) => {
      const slot = await pool.acquire('m', never);
      order.push(index);
      expect(pool.running()).toBeLessThanOrEqual(2);
      await Promise.resolve();
      slot.release();
    });
    expect(pool.waiting()).toBe(20);
    await Promise.all(jobs);
    expect(order).toEqual(Array.from({ length: 20 }, (_, index) => index));
    expect([pool.running(), pool.waiting()]).toEqual([0, 0]);
  });

  test('lets pass who waits for another backend', async () => {
    const [a, b] = [shelf('a', 'm'), shelf('b', 'n')];
    const pool = await started([
      { backend: a, slots: 1 },
      { backend: b, slots: 1 },
    ]);
    const first = await pool.acquire('m', never);
    const second = pool.acquire('m', never);
    expect((await pool.acquire('n', never)).backend).toBe(b);
    expect(pool.waiting()).toBe(1);
    first.release();
    expect((await second).backend).toBe(a);
  });

  test('is left at once by who aborts, and goes on without', async () => {
    const pool = await started([{ backend: shelf('a', 'm'), slots: 1 }]);
    const first = await pool.acquire('m', never);
    const abort = new AbortController();
    const leaving = failureOf(pool.acquire('m', abort.signal));
    const staying = pool.acquire('m', never);
    abort.abort();
    expect(pool.waiting()).toBe(1);
    expect(await leaving).toBe('aborted in the queue');
    expect(await failureOf(pool.acquire('m', abort.signal))).toBe('aborted in the queue');
    first.release();
    (await staying).release();
  });

  test('takes so many and no more; what can start at once is not counted', async () => {
    const pool = await started([{ backend: shelf('a', 'm'), slots: 2 }], { maxQueueLength: 1 });
    const jobs = [1, 2, 3].map(() => pool.acquire('m', never));
    expect(await failureOf(pool.acquire('m', never))).toBe('the queue is full');
    const [first] = await Promise.all(jobs.slice(0, 2));
    expect([pool.running(), pool.waiting()]).toEqual([2, 1]);
    expect(await failureOf(pool.acquire('m', never))).toBe('the queue is full');
    first!.release();
    await jobs[2];
  });

  test('gives a slot back once, however often it is released', async () => {
    const pool = await started([{ backend: shelf('a', 'm'), slots: 1 }]);
    const slot = await pool.acquire('m', never);
    for (let count = 0; count < 3; count += 1) slot.release();
    await pool.acquire('m', never);
    const waiting = pool.acquire('m', never);
    slot.release();
    const wasGranted = await Promise.race([waiting.then(() => true), settled(pool, 1).then(() => false)]);
    expect([wasGranted, pool.running(), pool.waiting()]).toEqual([false, 1, 1]);
    await pool.close();
    expect(await failureOf(waiting)).toBe('the pool is closed');
  });

  test('never lends more slots than there are, nor forgets one, whatever is acquired, aborted and released', async () => {
    const command = fc.record({
      kind: fc.constantFrom('acquire', 'acquire', 'abort', 'release'),
      pick: fc.nat(),
      model: fc.constantFrom('m', 'n', 'both'),
    });
    const slots = fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 }));
    const property = fc.asyncProperty(
      fc.array(command, { maxLength: 40 }),
      slots,
      async (commands, [slotsOfA, slotsOfB]) => {
        const members = [
          { backend: shelf('a', 'm', 'both'), slots: slotsOfA },
          { backend: shelf('b', 'n', 'both'), slots: slotsOfB },
        ];
        const pool = await started(members);
        const lent = new Set<Slot>();
        const pending = new Set<AbortController>();
        const check = () => {
          for (const { backend, slots: most } of members) {
            expect([...lent].filter((slot) => slot.backend === backend).length).toBeLessThanOrEqual(most);
          }
        };
        const outcomes = new Set<Promise<void>>();
        for (const { kind, pick, model } of commands) {
          if (kind === 'acquire') {
            const abort = new AbortController();
            pending.add(abort);
            const outcome = pool
              .acquire(model, abort.signal)
              .then((slot) => {
                lent.add(slot);
                check();
              })
              .catch(() => expect(abort.signal.aborted).toBe(true))
              .finally(() => pending.delete(abort));
            outcomes.add(outcome);
          } else if (kind === 'abort') [...pending][pick % Math.max(1, pending.size)]?.abort();
          else {
            const slot = [...lent][pick % Math.max(1, lent.size)];
            if (slot !== undefined) lent.delete(slot);
            slot?.release();
          }
          if (pick % 3 === 0) await new Promise(setImmediate);
        }
        for (const abort of pending) abort.abort();
        await Promise.all(outcomes);
        expect(pool.running()).toBe(lent.size);
        expect(pool.waiting()).toBe(0);
        for (const slot of lent) slot.release();
        lent.clear();
        const all = await Promise.all(
          [...Array(slotsOfA).fill('m'), ...Array(slotsOfB).fill('n')].map((model: string) =>
            pool.acquire(model, never),
          ),
        );
        expect(pool.running()).toBe(all.length);
        await pool.close();
      },
    );
    await fc.assert(property, { numRuns: 60 });
  });
});

describe('the choice of a backend', () => {
  test('falls on the least loaded, then on the first', async () => {
    const [a, b] = [shelf('a', 'm'), shelf('b', 'm')];
    const pool = await started([
      { backend: a, slots: 1 },
      { backend: b, slots: 3 },
    ]);
    await vi.waitUntil(() => pool.running() === 0);
    const names: string[] = [];
    for (let count = 0; count < 4; count += 1) names.push((await pool.acquire('m', never)).backend.name);
    expect(names).toEqual(['a', 'b', 'b', 'b']);
  });

  test('avoids the excluded one while another is healthy and has the model, and only then', async () => {
    const [a, b] = [shelf('a', 'm', 'only-a'), shelf('b', 'm')];
    const pool = await started([
      { backend: a, slots: 2 },
      { backend: b, slots: 1 },
    ]);
    expect([pool.hasOther('m', new Set([a])), pool.hasOther('only-a', new Set([a]))]).toEqual([true, false]);
    const slot = await pool.acquire('m', never, { exclude: new Set([a]) });
    expect(slot.backend).toBe(b);
    const waiting = pool.acquire('m', never, { exclude: new Set([a]) });
    expect(pool.waiting()).toBe(1);
    expect((await pool.acquire('only-a', never, { exclude: new Set([a]) })).backend).toBe(a);
    for (let count = 0; count < 3; count += 1) pool.report(b, 'failed');
    expect((await waiting).backend).toBe(a);
  });

  test('keeps to the models that the configuration leaves', async () => {
    const pool = await started([
      { backend: shelf('a', 'llama:1b', 'llama:8b', 'secret'), slots: 1, models: ['llama:*'] },
    ]);
    expect(pool.models().map(({ id }) => id)).toEqual(['llama:1b', 'llama:8b']);
    expect(await failureOf(pool.acquire('secret', never))).toBe('no backend has this model');
  });
});

describe('health', () => {
  const ill = (pool: BackendPool, backend: Backend) => {
    for (let count = 0; count < 3; count += 1) pool.report(backend, 'failed');
  };

  test('is lost by three failures in a row; the models are not offered and jobs wait until the backend answers again', async () => {
    const a = shelf('a', 'm');
    const pool = await started([{ backend: a, slots: 1 }]);
    pool.report(a, 'failed');
    pool.report(a, 'failed');
    pool.report(a, 'ok');
    pool.report(a, 'failed');
    pool.report(a, 'failed');
    expect(pool.models()).toHaveLength(1);
    a.stock = undefined;
    pool.report(a, 'failed');
    expect(pool.models()).toEqual([]);
    const waiting = pool.acquire('m', never);
    for (const delayMs of [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]) {
      await clock.set(delayMs);
      const { asked } = a;
      clock.advance(delayMs - 1);
      expect(a.asked).toBe(asked);
      clock.advance(1);
      expect(a.asked).toBe(asked + 1);
      expect(pool.waiting()).toBe(1);
    }
    a.stock = [{ id: 'm' }];
    await clock.set(60_000);
    clock.advance(60_000);
    expect((await waiting).backend).toBe(a);
    expect(pool.models()).toHaveLength(1);
  });

  test('that came back is lost again by one failure, and the next probe waits longer; success clears that', async () => {
    const a = shelf('a', 'm');
    const pool = await started([{ backend: a, slots: 1 }], { refreshMs: 1e9 });
    const heal = async (delayMs: number) => {
      expect(clock.delays().filter((delay) => delay !== 1e9)).toEqual([delayMs]);
      clock.advance(delayMs);
      await vi.waitUntil(() => pool.models().length === 1, { interval: 1 });
    };
    ill(pool, a);
    await heal(1_000);
    pool.report(a, 'failed');
    await heal(2_000);
    pool.report(a, 'failed');
    await heal(4_000);
    pool.report(a, 'ok');
    pool.report(a, 'failed');
    expect(pool.models()).toHaveLength(1);
    ill(pool, a);
    await heal(1_000);
  });

  test('of one does not keep another from working', async () => {
    const [a, b] = [shelf('a', 'm'), shelf('b', 'm')];
    const pool = await started([
      { backend: a, slots: 4 },
      { backend: b, slots: 1 },
    ]);
    ill(pool, a);
    expect((await pool.acquire('m', never)).backend).toBe(b);
    expect(pool.models()).toEqual([{ id: 'm', backends: ['b'] }]);
  });

  test('is told to the log, without a crash, when a backend is not there at the start; jobs wait for it', async () => {
    const a = shelf('a');
    a.stock = undefined;
    const log = { info: vi.fn(), warn: vi.fn() };
    const pool = await started([{ backend: a, slots: 1 }], { log: log as unknown as NonNullable<PoolOptions['log']> });
    expect(log.warn.mock.calls[0]?.[0]).toEqual({
      backend: 'a',
      reason: 'the backend cannot be reached (ECONNREFUSED)',
    });
    const [right, wrong] = [pool.acquire('m', never), failureOf(pool.acquire('n', never))];
    expect(pool.waiting()).toBe(2);
    a.stock = [{ id: 'm' }];
    clock.advance(1_000);
    expect((await right).backend).toBe(a);
    expect(await wrong).toBe('no backend has this model');
    expect(log.info).toHaveBeenCalledOnce();
  });
});

describe('the models', () => {
  test('of several backends become one list: the smallest context, warm where one is', async () => {
    const pool = await started([
      { backend: shelf('a', { id: 'm', contextTokens: 8192, warm: false }, { id: 'cold', warm: false }), slots: 1 },
      { backend: shelf('b', { id: 'm', contextTokens: 4096, warm: true }, { id: 'n' }, { id: 'cold' }), slots: 1 },
    ]);
    expect(pool.models()).toEqual([
      { id: 'm', backends: ['a', 'b'], contextTokens: 4096, warm: true },
      { id: 'cold', backends: ['a', 'b'] },
      { id: 'n', backends: ['b'] },
    ]);
  });

  test('have images that take what they take at most at any backend, where all tell', async () => {
    const pool = await started([
      {
        backend: shelf('a', { id: 'm', imageTokens: { most: 256 } }, { id: 'n', imageTokens: { most: 256 } }),
        slots: 1,
      },
      { backend: shelf('b', { id: 'm', imageTokens: { most: 729 } }, { id: 'n' }), slots: 1 },
    ]);
    expect(pool.models()).toEqual([
      { id: 'm', backends: ['a', 'b'], imageTokens: { most: 729 } },
      { id: 'n', backends: ['a', 'b'] },
    ]);
  });

  test('can do what each backend that tells says', async () => {
    const both = { id: 'm', capabilities: ['completion', 'vision'] } as const;
    const pool = await started([
      { backend: shelf('a', both, 'n'), slots: 1 },
      { backend: shelf('b', { id: 'm', capabilities: ['completion'] }, 'n'), slots: 1 },
      { backend: shelf('c', 'm'), slots: 1 },
    ]);
    expect(pool.models()).toEqual([
      { id: 'm', backends: ['a', 'b', 'c'], capabilities: ['completion'] },
      { id: 'n', backends: ['a', 'b'] },
    ]);
  });

  test('are for the work that each backend takes', async () => {
    const [chats, answers, embeddings] = taskKinds;
    const pool = await started([
      { backend: shelf('a', { id: 'm', taskKinds: [chats!, answers!] }, { id: 'n', taskKinds: [chats!] }), slots: 1 },
      { backend: shelf('b', { id: 'm', taskKinds: [chats!, embeddings!] }, { id: 'n', taskKinds: [] }), slots: 1 },
      { backend: shelf('c', 'm', 'o'), slots: 1 },
    ]);
    expect(pool.models()).toEqual([
      { id: 'm', backends: ['a', 'b', 'c'], taskKinds: [chats] },
      { id: 'n', backends: ['a', 'b'], taskKinds: [] },
      { id: 'o', backends: ['c'] },
    ]);
  });

  test('are used only where their work is taken, by whoever says what it is, be another free', async () => {
    const [chats, answers] = taskKinds;
    const a = shelf('a', { id: 'm', taskKinds: [chats!] });
    const b = shelf('b', { id: 'm', taskKinds: [chats!, answers!] });
    const pool = await started([
      { backend: a, slots: 1 },
      { backend: b, slots: 1 },
    ]);
    const first = await pool.acquire('m', never, { taskKind: answers! });
    expect(first.backend).toBe(b);
    const second = pool.acquire('m', never, { taskKind: answers! });
    await settled(pool, 1);
    expect((await pool.acquire('m', never, { taskKind: chats! })).backend).toBe(a);
    first.release();
    expect((await second).backend).toBe(b);
    expect(await failureOf(pool.acquire('m', never, { taskKind: taskKinds[2]! }))).toBe('no backend has this model');
  });

  test('are looked at every 30 s, and listeners hear of changes only', async () => {
    const a = shelf('a', 'm');
    const pool = await started([{ backend: a, slots: 1 }]);
    const listener = vi.fn();
    const stopListening = pool.onModelsChanged(listener);
    const tick = async () => {
      await clock.set(30_000);
      clock.advance(30_000);
      await clock.set(30_000);
    };
    await tick();
    expect([a.asked, listener.mock.calls.length]).toEqual([2, 0]);
    a.stock = [{ id: 'm', warm: true }];
    await tick();
    a.stock = [{ id: 'n' }];
    await tick();
    expect([a.asked, listener.mock.calls.length]).toEqual([4, 2]);
    expect(pool.models()).toEqual([{ id: 'n', backends: ['a'] }]);
    stopListening();
    a.stock = [];
    await tick();
    expect(listener).toHaveBeenCalledTimes(2);
  });

  test('that vanish turn away who waits for them', async () => {
    const a = shelf('a', 'm', 'n');
    const pool = await started([{ backend: a, slots: 1 }]);
    const slot = await pool.acquire('m', never);
    const waiting = failureOf(pool.acquire('n', never));
    a.stock = [{ id: 'm' }];
    await pool.refresh();
    expect(await waiting).toBe('no backend has this model');
    slot.release();
  });

  test('are never asked for twice at once', async () => {
    const a = shelf('a', 'm');
    const pool = await started([{ backend: a, slots: 1 }]);
    let answer = (_models: BackendModel[]): void => undefined;
    let asked = 0;
    a.models = () => {
      asked += 1;
      return new Promise((resolve) => (answer = resolve));
    };
    const refreshing = [pool.refresh(), pool.refresh()];
    clock.advance(120_000);
    expect(asked).toBe(1);
    answer([{ id: 'm' }]);
    await Promise.all(refreshing);
    const again = pool.refresh();
    expect(asked).toBe(2);
    answer([]);
    await again;
  });
});

describe('closing', () => {
  test('turns away who waits, closes the backends, and leaves no timer; slots in use can still be released', async () => {
    const [a, b] = [shelf('a', 'm'), shelf('b')];
    b.stock = undefined;
    const pool = await started([
      { backend: a, slots: 1 },
      { backend: b, slots: 1 },
    ]);
    const slot = await pool.acquire('m', never);
    const waiting = failureOf(pool.acquire('m', never));
    expect(clock.delays().toSorted((one, other) => one - other)).toEqual([1_000, 30_000]);
    await pool.close();
    await pool.close();
    expect(await waiting).toBe('the pool is closed');
    expect([a.isClosed, b.isClosed]).toEqual([true, true]);
    expect(clock.delays()).toEqual([]);
    slot.release();
    expect(pool.running()).toBe(0);
    expect(await failureOf(pool.acquire('m', never))).toBe('the pool is closed');
  });
});
