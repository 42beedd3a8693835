import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Spool } from '../../src/spool/spool.ts';
import { CHUNK, readAll, readerIn, ROOMY, sha256, temporarySpool } from './spool-fixture.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const NEVER = new AbortController().signal;

/** Reads `count` chunks, letting `pauses` turns of the event loop pass before each. */
async function readSome(
  spool: Spool,
  key: string,
  count: number,
  pauses: number,
  maxChunkBytes: number,
): Promise<Uint8Array[]> {
  const reader = await readerIn(spool, { maxChunkBytes }, key);
  const chunks: Uint8Array[] = [];
  while (chunks.length < count) {
    for (let index = 0; index < pauses; index++) await turn();
    const read = await reader.next(NEVER);
    if (read.kind !== 'chunk') break;
    chunks.push(read.data.slice());
  }
  await reader.close();
  return chunks;
}

test('whatever is appended arrives byte for byte, and each reader continues in the boundaries of those before', async () => {
  const { spool } = await temporarySpool();
  let count = 0;
  const size = fc.oneof(fc.nat(300), fc.nat({ max: 200_000 }));
  const readers = fc.array(
    fc.record({ chunks: fc.nat(6), pauses: fc.nat(5), maxChunkBytes: fc.integer({ min: 1, max: 70_000 }) }),
    { maxLength: 3 },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(size, { maxLength: 12 }), fc.nat(3), readers, async (sizes, pauses, visits) => {
      const key = `job ${count++}`;
      const parts = sizes.map((length, index) => new Uint8Array(length).map((_, at) => (at * 31 + index * 7) & 0xff));
      const whole = Buffer.concat(parts);
      const writer = await spool.create(key, ROOMY);
      const writing = (async () => {
        for (const part of parts) {
          await writer.append(part);
          for (let index = 0; index < pauses; index++) await turn();
        }
        return writer.end('');
      })();
      const seen: Uint8Array[][] = [];
      for (const visit of visits) {
        seen.push(await readSome(spool, key, visit.chunks, visit.pauses, visit.maxChunkBytes));
      }
      expect(await writing).toEqual({ bytes: whole.length, sha256: sha256(whole) });
      const { chunks, outcome } = await readAll(await readerIn(spool, CHUNK, key));
      expect(outcome).toBe('end');
      expect(Buffer.concat(chunks).equals(whole)).toBe(true);
      for (const visit of seen) expect(chunks.slice(0, visit.length)).toEqual(visit);
      await spool.remove(key);
    }),
    { numRuns: 60 },
  );
  expect(spool.usedBytes()).toBe(0);
}, 60_000);

test('150 MB for a reader that comes late pass through bounded memory', { timeout: 60_000 }, async () => {
  const { spool } = await temporarySpool();
  const writer = await spool.create('big', ROOMY);
  const part = new Uint8Array(50_000).map((_, at) => at & 0xff);
  const before = process.memoryUsage().arrayBuffers;
  let peak = 0;
  for (let index = 0; index < 3_000; index++) {
    await writer.append(part);
    peak = Math.max(peak, process.memoryUsage().arrayBuffers - before);
  }
  const { sha256: written } = await writer.end('');
  const reader = await readerIn(spool, CHUNK, 'big');
  const digest = sha256(Buffer.concat((await readAll(reader)).chunks));
  expect(digest).toBe(written);
  // Without a bound it would be 150 MB; with it, what the garbage collector has not yet seen.
  expect(peak).toBeLessThan(75e6);
});
