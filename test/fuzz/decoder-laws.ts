import assert from 'node:assert/strict';
import fc from 'fast-check';
import { readBigSize, writeBigSize } from '../../src/protocol/bigsize.ts';
import { decodeMessage, encodeMessage, ProtocolError } from '../../src/protocol/codec.ts';
import { stringList } from '../../src/protocol/list-coder.ts';
import { decodeModelParams, encodeModelParams } from '../../src/protocol/params.ts';
import { termsHash } from '../../src/protocol/terms.ts';
import { readTlvStream, viewOf, writeTlvStream } from '../../src/protocol/tlv.ts';
import { arbitraryMessage } from '../protocol/arbitrary-message.ts';
import { mutated } from './arbitrary-bytes.ts';
import { law } from './law.ts';

interface Payload {
  readonly type: number;
  readonly payload: Uint8Array;
}

const message = fc.oneof(arbitraryMessage(2), arbitraryMessage(3));
const type = fc.oneof(
  { weight: 9, arbitrary: fc.nat({ max: 8 }).chain((kind) => fc.constantFrom(42_081 + 2 * kind, 42_101 + 2 * kind)) },
  fc.nat({ max: 65_535 }),
);

/** A stream of records that is well made, of types that messages have, with any values. */
const knownTypes = [1, 2, 3, 4, 11, 12, 14, 15, 16, 20, 22, 23, 24, 25, 26, 30, 31, 32, 33, 34, 35, 70, 80, 81];
const streamTypes = [90, 91, 92, 93, 94, 95, 96, 97, 100, 101, 102, 103, 104, 105];
const value = fc.oneof(
  fc.uint8Array({ maxLength: 9 }),
  fc.uint8Array({ minLength: 32, maxLength: 32 }),
  fc.constantFrom(0, 1, 2, 3).map((number) => Uint8Array.of(0, number)),
  fc.string({ maxLength: 20 }).map((text) => new TextEncoder().encode(text)),
);
const records = fc
  .uniqueArray(fc.record({ type: fc.constantFrom(...knownTypes, ...streamTypes, 200), value }), {
    selector: (record) => record.type,
    maxLength: 24,
  })
  .map((list) => writeTlvStream(list.toSorted((a, b) => a.type - b.type)));

const payloads: fc.Arbitrary<Payload> = fc.oneof(
  fc.record({ type, payload: fc.uint8Array({ maxLength: 300 }) }),
  fc.record({ type, payload: records }),
  fc.tuple(message.map(encodeMessage), fc.nat()).chain(([{ type: own, payload }]) =>
    fc.record({
      type: fc.oneof({ weight: 9, arbitrary: fc.constant(own) }, type),
      payload: fc.oneof(fc.constant(payload), mutated(fc.constant(payload))),
    }),
  ),
);

/** What `work` gives; undefined where it throws the error that it declares. */
function declared<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

const bytes = fc.oneof(fc.uint8Array({ maxLength: 100 }), records, mutated(records));
const bigsize = fc.oneof(
  fc.nat(),
  fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  fc.bigInt({ min: BigInt(Number.MAX_SAFE_INTEGER) + 1n, max: 2n ** 64n - 1n }),
);

/** Bytes that begin like a number, of any width and with many zeros. */
const numberBytes = fc
  .tuple(
    fc.oneof(fc.constantFrom(0xfd, 0xfe, 0xff), fc.nat({ max: 255 })),
    fc.array(fc.oneof(fc.constantFrom(0, 0xfc, 0xfd, 0xff), fc.nat({ max: 255 })), { maxLength: 9 }),
  )
  .map(([first, rest]) => Uint8Array.of(first, ...rest));

export const decoderLaws = [
  law('decoders', 'a message is read as it was written', message, (sent) => {
    const written = encodeMessage(sent);
    assert.deepEqual(decodeMessage(written.type, written.payload), { ...sent });
  }),
  law(
    'decoders',
    'any payload is refused, or read as a message that stays the same when it is written again',
    payloads,
    ({ type: read, payload }) => {
      const decoded = decodeMessage(read, payload);
      if (decoded.kind === 'undecodable' || decoded.kind === 'not-ours') return;
      const again = encodeMessage(decoded);
      assert.deepEqual(again.type, read);
      assert.deepEqual(decodeMessage(again.type, again.payload), decoded);
      // What a reader ignores is not written; where nothing was ignored, the bytes are the same.
      assert.ok(again.payload.length <= payload.length);
      if (again.payload.length === payload.length) assert.deepEqual(again.payload, payload);
    },
    1_500,
  ),
  law('decoders', 'a bigsize is read as it was written', bigsize, (number) => {
    const out = new Uint8Array(9);
    const next = writeBigSize(out, 0, number);
    assert.deepEqual(readBigSize(out, 0), { value: number, next });
  }),
  law('decoders', 'any bytes are no bigsize, or its only form', numberBytes, (given) => {
    const read = declared(() => readBigSize(given, 0));
    if (read === undefined) return;
    const out = new Uint8Array(9);
    assert.deepEqual(out.subarray(0, writeBigSize(out, 0, read.value)), given.subarray(0, read.next));
  }),
  law('decoders', 'any bytes are no TLV stream, or its only form', bytes, (given) => {
    const spans = declared(() => readTlvStream(given));
    if (spans === undefined || spans.some((span) => typeof span.type === 'bigint')) return;
    const same = spans.map((span) => ({ type: Number(span.type), value: viewOf(given, span.start, span.end) }));
    assert.deepEqual(writeTlvStream(same), given);
  }),
  law('decoders', 'any bytes are no list of texts, or its only form', bytes, (given) => {
    const list = declared(() => stringList.decode(given));
    if (list !== undefined) assert.deepEqual(stringList.encode(list), given);
  }),
  law('decoders', 'any bytes are no parameters of a model, or their only form', bytes, (given) => {
    const params = decodeModelParams(given);
    if ('model' in params) assert.deepEqual(encodeModelParams(params.model), given);
  }),
  law(
    'decoders',
    'terms have one hash, or can not be quoted',
    fc.tuple(fc.constantFrom(2 as const, 3 as const), bytes, fc.bigInt(), fc.string({ unit: 'binary' })),
    ([version, params, number, text]) => {
      const id = '00'.repeat(32);
      const terms = { jobId: id, priceMsat: number, quoteExpiryS: 1n, taskKind: text, params };
      const input = { inputSha256: id, inputBytes: number, inputContentType: text, inputContentEncoding: 'identity' };
      const hash = declared(() => termsHash(version, { ...terms, ...input }));
      if (hash === undefined) return;
      assert.match(hash, /^[0-9a-f]{64}$/);
      assert.deepEqual(termsHash(version, { ...terms, ...input }), hash);
      assert.notEqual(termsHash(version, { ...terms, ...input, quoteExpiryS: 2n }), hash);
    },
  ),
];
