import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { beginAssembly, type AssemblyOptions, type StreamAssembly } from '../../src/protocol/stream-assembly.ts';

const streamId = '33'.repeat(32);
const hello = Buffer.from('hello');

function sha256(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

function begin(options: Partial<AssemblyOptions> = {}): StreamAssembly {
  const begun = beginAssembly({ streamId, maxBytes: 1_000_000n, ...options });
  if (!begun.ok) throw new Error(begun.error);
  return begun.assembly;
}

test('a stream cut anywhere comes out as the bytes that went in', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 40 }), fc.boolean(), (chunks, declared) => {
      const whole = Buffer.concat(chunks);
      const totalBytes = BigInt(whole.length);
      const assembly = begin(declared ? { totalBytes, sha256: sha256(whole), maxBytes: totalBytes } : {});
      chunks.forEach((data, seq) => expect(assembly.chunk(seq, data)).toEqual({ ok: true }));
      const ended = assembly.end(totalBytes, sha256(whole));
      expect(ended).toMatchObject({ ok: true, totalBytes, sha256: sha256(whole) });
      expect(ended.ok && Buffer.from(ended.data).equals(whole)).toBe(true);
    }),
  );
});

describe('a chunk', () => {
  test('is copied, so the buffer it came in may be used again', () => {
    const assembly = begin();
    const network = Buffer.from('hello');
    assembly.chunk(0, network);
    network.fill(0);
    const ended = assembly.end(5n, sha256(hello));
    expect(ended.ok && Buffer.from(ended.data).toString()).toBe('hello');
  });

  test('that was here before is a duplicate, and the stream goes on', () => {
    const assembly = begin();
    assembly.chunk(0, hello);
    expect(assembly.chunk(0, Buffer.from('other'))).toEqual({ ok: false, error: 'duplicate' });
    expect(assembly.chunk(1, hello)).toEqual({ ok: true });
    expect(assembly.receivedBytes).toBe(10n);
  });

  test('that skips one is out of order, and ends the stream', () => {
    const assembly = begin();
    expect(assembly.chunk(1, hello)).toEqual({ ok: false, error: 'chunk-out-of-order' });
    expect(assembly.chunk(0, hello)).toEqual({ ok: false, error: 'chunk-out-of-order' });
    expect(assembly.end(0n, sha256(Buffer.of()))).toEqual({ ok: false, error: 'chunk-out-of-order' });
  });

  test('may fill the limit, and not by one byte more', () => {
    const assembly = begin({ maxBytes: 10n });
    assembly.chunk(0, hello);
    expect(assembly.chunk(1, hello)).toEqual({ ok: true });
    expect(assembly.chunk(2, Buffer.of())).toEqual({ ok: true });
    expect(assembly.chunk(3, Buffer.of(0))).toEqual({ ok: false, error: 'payload-too-large' });
  });

  test('beyond the declared length is too large, even within the limit', () => {
    const assembly = begin({ totalBytes: 4n, sha256: sha256(hello) });
    expect(assembly.chunk(0, hello)).toEqual({ ok: false, error: 'payload-too-large' });
  });
});

describe('the end', () => {
  test.each<[string, Partial<AssemblyOptions>, bigint, string]>([
    ['another length', {}, 4n, sha256(hello)],
    ['another hash', {}, 5n, sha256(Buffer.of())],
    ['a length other than the declared one', { totalBytes: 6n }, 5n, sha256(hello)],
    ['the declared length when less arrived', { totalBytes: 6n }, 6n, sha256(hello)],
    ['a hash other than the declared one', { sha256: sha256(Buffer.of()) }, 5n, sha256(hello)],
  ])('with %s is a checksum mismatch', (_what, options, totalBytes, hash) => {
    const assembly = begin(options);
    assembly.chunk(0, hello);
    expect(assembly.end(totalBytes, hash)).toEqual({ ok: false, error: 'checksum-mismatch' });
  });

  test('of an empty stream needs no chunk', () => {
    expect(begin({ totalBytes: 0n }).end(0n, sha256(Buffer.of()))).toMatchObject({ ok: true, totalBytes: 0n });
  });

  test('of a stream whose bytes are passed on is checked, and keeps none of them', () => {
    const assembly = begin({ keepBytes: false });
    assembly.chunk(0, hello);
    expect(assembly.end(5n, sha256(hello))).toMatchObject({ ok: true, totalBytes: 5n, data: new Uint8Array() });
    expect(begin({ keepBytes: false }).end(0n, sha256(hello))).toMatchObject({ error: 'checksum-mismatch' });
  });
});

describe('memory', () => {
  test('a begin that declares more than the limit is refused at once', () => {
    const declared = { streamId, totalBytes: 4_294_967_296n, maxBytes: 4_194_304n };
    expect(beginAssembly(declared)).toEqual({ ok: false, error: 'payload-too-large' });
  });

  test('a thousand begins that lie about 4 GiB, within a limit that allows them, cost next to nothing', () => {
    const before = process.memoryUsage().arrayBuffers;
    const liars = Array.from({ length: 1_000 }, () => begin({ totalBytes: 4_294_967_296n, maxBytes: 2n ** 40n }));
    for (const liar of liars) liar.chunk(0, Buffer.of(1));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000);
    expect(liars).toHaveLength(1_000);
  });

  test('a million chunks of one byte, each a view of a large buffer, cost a small multiple of their bytes', () => {
    const assembly = begin({ maxBytes: 4_194_304n });
    const network = new Uint8Array(65_535);
    for (let seq = 0; seq < 1_000_000; seq++) assembly.chunk(seq, network.subarray(seq % 65_535, (seq % 65_535) + 1));
    const ended = assembly.end(1_000_000n, sha256(new Uint8Array(1_000_000)));
    expect(ended.ok && ended.data.buffer.byteLength).toBeLessThanOrEqual(2_000_000);
  });
});
