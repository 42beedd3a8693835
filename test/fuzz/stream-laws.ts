import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { beginAssembly } from '../../src/protocol/stream-assembly.ts';
import { law } from './law.ts';

const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');

const chunk = fc.record({
  seq: fc.oneof(
    { weight: 8, arbitrary: fc.constant('next' as const) },
    fc.constantFrom('same' as const, 'skip' as const),
  ),
  data: fc.uint8Array({ maxLength: 20 }),
});
const stream = fc.record({
  chunks: fc.array(chunk, { maxLength: 30 }),
  maxBytes: fc.bigInt({ min: 0n, max: 400n }),
  declared: fc.option(fc.bigInt({ min: 0n, max: 400n }), { nil: undefined }),
  isHonest: fc.boolean(),
  keepBytes: fc.boolean(),
});

/** The assembly against the plainest one: chunks in order, one after the other, up to the limit. */
export const streamLaws = [
  law('decoders', 'a stream is put together as its chunks say, or fails for good', stream, (given) => {
    const { chunks, maxBytes, declared, isHonest, keepBytes } = given;
    const begun = beginAssembly({
      streamId: '33'.repeat(32),
      maxBytes,
      keepBytes,
      ...(declared === undefined ? {} : { totalBytes: declared }),
    });
    assert.deepEqual(begun.ok, declared === undefined || declared <= maxBytes);
    if (!begun.ok) return;
    let next = 0;
    let whole = Buffer.of();
    let failure: string | undefined;
    for (const { seq, data } of chunks) {
      const number = seq === 'next' ? next : seq === 'same' ? Math.max(0, next - 1) : next + 1;
      const taken = begun.assembly.chunk(number, data);
      if (failure === undefined && number === next) {
        if (whole.length + data.length > (declared ?? maxBytes)) failure = 'payload-too-large';
        else {
          whole = Buffer.concat([whole, data]);
          next++;
        }
      } else if (failure === undefined && number > next) failure = 'chunk-out-of-order';
      else if (failure === undefined) {
        assert.deepEqual(taken, { ok: false, error: 'duplicate' });
        continue;
      }
      assert.deepEqual(taken, failure === undefined ? { ok: true } : { ok: false, error: failure });
    }
    const hash = sha256(isHonest ? whole : Buffer.concat([whole, Buffer.of(0)]));
    const ended = begun.assembly.end(BigInt(whole.length), hash);
    const isWhole = isHonest && (declared ?? BigInt(whole.length)) === BigInt(whole.length);
    if (failure !== undefined || !isWhole || !ended.ok)
      return assert.deepEqual(ended, { ok: false, error: failure ?? 'checksum-mismatch' });
    assert.deepEqual([ended.sha256, ended.totalBytes], [hash, BigInt(whole.length)]);
    assert.ok(Buffer.from(ended.data).equals(keepBytes ? whole : Buffer.of()));
  }),
];
