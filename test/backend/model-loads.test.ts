import fc from 'fast-check';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Backend } from '../../src/backend/backend.ts';
import { createPool } from '../../src/backend/queueing-pool.ts';
import type { BackendPool, PoolMember, Slot } from '../../src/backend/pool.ts';
import { HandClock } from './hand-clock.ts';
import { MemoryBackend } from './memory-backend.ts';

let clock: HandClock;
beforeEach(() => {
  clock = new HandClock();
});
const never = new AbortController().signal;
const nothing: ReadonlySet<string> = new Set();
const turn = () => new Promise(setImmediate);

async function started(...members: readonly PoolMember[]): Promise<BackendPool> {
  const pool = createPool({ members, clock, maxQueueLength: 100 });
  onTestFinished(() => pool.close());
  await pool.start();
  return pool;
}

describe('a model that is not in memory', () => {
  test('is ready once it was loaded, at once, with the context that the backend tells then; the next load is foretold by the last', async () => {
    const backend = new MemoryBackend('a', ['m']);
    const pool = await started({ backend, slots: 1 });
    expect(pool.readiness('m', nothing)).toEqual({ kind: 'loadable', takesMs: 10_000 });
    pool.load('m', nothing);
    clock.advance(4_000);
    expect(pool.readiness('m', nothing)).toEqual({ kind: 'loading', leftMs: 6_000 });
    clock.advance(26_000); // longer than foretold: as long again by half
    expect(pool.readiness('m', nothing)).toEqual({ kind: 'loading', leftMs: 15_000 });
    backend.loading.get('m')?.end();
    await vi.waitUntil(() => pool.readiness('m', nothing).kind === 'ready', { interval: 1 });
    expect(pool.models()).toEqual([{ id: 'm', backends: ['a'], contextTokens: 4096, warm: true }]);
    backend.loaded.clear();
    await pool.refresh();
    expect(pool.readiness('m', nothing)).toEqual({ kind: 'loadable', takesMs: 30_000 });
  });

  test('is loaded once, however often that is asked; another waits for its turn', async () => {
    const backend = new MemoryBackend('a', ['m', 'n'], 2);
    const pool = await started({ backend, slots: 1, loadedModels: 2 });
    for (let count = 0; count < 5; count += 1) pool.load('m', nothing);
    expect(pool.readiness('n', nothing)).toEqual({ kind: 'blocked', leftMs: 10_000 });
    pool.load('n', nothing);
    expect([...backend.loading.keys()]).toEqual(['m']);
  });

  test('stays ready until the next look at the models, though the backend unloads at once', async () => {
    const backend = new MemoryBackend('a', ['m']);
    backend.isForgetful = true;
    const pool = await started({ backend, slots: 1 });
    pool.load('m', nothing);
    backend.loading.get('m')?.end();
    await vi.waitUntil(() => pool.readiness('m', nothing).kind === 'ready', { interval: 1 });
    expect(backend.asked).toBe(2);
    await pool.refresh();
    expect(pool.readiness('m', nothing).kind).toBe('loadable');
  });

  test('is ready when a job of it ended well, and the backend is asked anew', async () => {
    const backend = new MemoryBackend('a', ['m']);
    const pool = await started({ backend, slots: 1 });
    const slot = await pool.acquire('m', never);
    backend.take('m');
    pool.report(backend, 'ok', 'm');
    slot.release();
    expect(pool.readiness('m', nothing).kind).toBe('ready');
    await vi.waitUntil(() => pool.models()[0]?.contextTokens === 4096, { interval: 1 });
    pool.report(backend, 'ok', 'm');
    await turn();
    expect(backend.asked).toBe(2);
  });

  test('can be loaded again when loading failed', async () => {
    const backend = new MemoryBackend('a', ['m']);
    const pool = await started({ backend, slots: 1 });
    pool.load('m', nothing);
    backend.loading.get('m')?.fail();
    await vi.waitUntil(() => pool.readiness('m', nothing).kind === 'loadable', { interval: 1 });
  });

  test('is ready where warmth is not told, or cannot be had', async () => {
    const teller = new MemoryBackend('a', ['m']);
    const mute: Backend = {
      name: 'mute',
      outputCapField: 'max_tokens',
      run: () => teller.run(),
      models: () => teller.models(),
      close: () => teller.close(),
    };
    const pool = await started({ backend: mute, slots: 1 });
    expect(pool.readiness('m', nothing).kind).toBe('ready');
  });

  test('is not being loaded any more when the pool is closed', async () => {
    const backend = new MemoryBackend('a', ['m']);
    const pool = await started({ backend, slots: 1 });
    pool.load('m', nothing);
    await pool.close();
    await vi.waitUntil(() => backend.loading.size === 0, { interval: 1 });
  });
});

describe('a backend with room for one model', () => {
  test('does not load another while a job runs on it, or a model of its is owed', async () => {
    const backend = new MemoryBackend('a', ['m', 'n']);
    const pool = await started({ backend, slots: 2 });
    backend.take('m');
    await pool.refresh();
    const slot = await pool.acquire('m', never);
    expect(pool.readiness('n', nothing)).toEqual({ kind: 'blocked', leftMs: 15_000 });
    pool.load('n', nothing);
    slot.release();
    expect(pool.readiness('n', new Set(['m'])).kind).toBe('blocked');
    expect(backend.loading.size).toBe(0);
    expect(pool.readiness('n', new Set(['n', 'elsewhere'])).kind).toBe('loadable');
  });
});

describe('what may have to make room for a load', () => {
  test('is not ready before it has ended', async () => {
    const backend = new MemoryBackend('a', ['k', 'm', 'n'], 2);
    const pool = await started({ backend, slots: 1, loadedModels: 2 });
    backend.take('m');
    await pool.refresh();
    pool.load('n', nothing);
    expect(pool.readiness('m', nothing).kind).toBe('ready'); // there is room for both
    backend.loading.get('n')?.end();
    await vi.waitUntil(() => pool.readiness('n', nothing).kind === 'ready', { interval: 1 });
    pool.load('k', nothing);
    expect(pool.readiness('m', nothing)).toEqual({ kind: 'blocked', leftMs: 10_000 });
    backend.loading.get('k')?.end();
    await vi.waitUntil(() => pool.readiness('k', nothing).kind === 'ready', { interval: 1 });
    expect(['m', 'n'].map((model) => pool.readiness(model, nothing).kind)).toEqual(['loadable', 'ready']);
  });
});

describe('jobs', () => {
  test('go where their model is loaded; elsewhere only when nobody needs the one that is loaded there', async () => {
    const [a, b] = [new MemoryBackend('a', ['m', 'n']), new MemoryBackend('b', ['m', 'n'])];
    const pool = await started({ backend: a, slots: 2 }, { backend: b, slots: 2 });
    a.take('n');
    b.take('m');
    await pool.refresh();
    const ofN = await pool.acquire('n', never);
    expect(ofN.backend).toBe(a);
    const ofM = [await pool.acquire('m', never), await pool.acquire('m', never)];
    expect(ofM.map(({ backend }) => backend.name)).toEqual(['b', 'b']);
    const waiting = pool.acquire('m', never);
    await turn();
    expect(pool.waiting()).toBe(1);
    ofN.release();
    expect((await waiting).backend).toBe(a); // nobody needs n any more
  });

  test('go anywhere when their model is loaded nowhere: they were sold', async () => {
    const backend = new MemoryBackend('a', ['m', 'n']);
    const pool = await started({ backend, slots: 2 });
    backend.take('n');
    await pool.refresh();
    await pool.acquire('n', never);
    expect((await pool.acquire('m', never)).backend).toBe(backend);
  });
});

const MODELS = ['k', 'l', 'm', 'n'] as const;

test('a load never costs a model that a job runs on or that is owed, whatever memory gives up', async () => {
  const command = fc.record({
    kind: fc.constantFrom('load', 'load', 'end', 'fail', 'run', 'release', 'owe', 'settle', 'refresh'),
    model: fc.constantFrom(...MODELS),
  });
  const property = fc.asyncProperty(
    fc.array(command, { minLength: 60, maxLength: 120 }),
    fc.integer({ min: 1, max: 3 }),
    async (commands, capacity) => {
      const backend = new MemoryBackend('a', MODELS, capacity);
      const pool = createPool({
        members: [{ backend, slots: 2, loadedModels: capacity }],
        clock,
        maxQueueLength: 100,
      });
      await pool.start();
      const owed = new Set<string>();
      const running: { model: string; slot: Slot }[] = [];
      const needed = () => new Set([...owed, ...running.map(({ model }) => model)]);
      backend.evict = (loaded) => [...loaded].find((model) => needed().has(model)) ?? [...loaded][0];
      for (const { kind, model } of commands) {
        const isReady = () => pool.readiness(model, needed()).kind === 'ready';
        if (kind === 'load') pool.load(model, owed);
        else if (kind === 'end') {
          const before = backend.evicted.length;
          for (const load of backend.loading.values()) load.end();
          await turn();
          for (const lost of backend.evicted.slice(before)) expect([...needed()]).not.toContain(lost);
        } else if (kind === 'fail') for (const load of backend.loading.values()) load.fail();
        else if (kind === 'run' && isReady() && running.length < 2)
          running.push({ model, slot: await pool.acquire(model, never) });
        else if (kind === 'release') running.shift()?.slot.release();
        else if (kind === 'owe' && isReady()) owed.add(model);
        else if (kind === 'settle') owed.delete(model);
        else if (kind === 'refresh') await pool.refresh();
        await turn();
      }
      await pool.close();
    },
  );
  await fc.assert(property, { numRuns: 150 });
});
