import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeMessage, encodeMessage } from '../../src/protocol/codec.ts';
import type { Message } from '../../src/protocol/messages.ts';
import { arbitraryMessage } from './arbitrary-message.ts';
import { fromHex, readVectors, type MessageVector } from './vectors.ts';

const message = fc.oneof(arbitraryMessage(2), arbitraryMessage(3));
const ourType = fc.nat({ max: 8 }).chain((ordinal) => fc.constantFrom(42_081 + 2 * ordinal, 42_101 + 2 * ordinal));
const vectors = [
  ...readVectors<MessageVector>('v0.2-messages.json'),
  ...readVectors<MessageVector>('v0.3-messages.json'),
];

type Mutation = { readonly at: number; readonly remove: number; readonly insert: Uint8Array };
const mutation: fc.Arbitrary<Mutation> = fc.record({
  at: fc.nat({ max: 400 }),
  remove: fc.nat({ max: 4 }),
  insert: fc.uint8Array({ maxLength: 4 }),
});

function mutated(payload: Uint8Array, { at, remove, insert }: Mutation): Uint8Array {
  const from = at % (payload.length + 1);
  return Uint8Array.from([...payload.subarray(0, from), ...insert, ...payload.subarray(from + remove)]);
}

/** Must not throw, and what it reads must survive being written and read again. */
function expectStable(type: number, payload: Uint8Array): void {
  const decoded = decodeMessage(type, payload);
  if (decoded.kind === 'undecodable' || decoded.kind === 'not-ours') return;
  const written = encodeMessage(decoded);
  expect(written.type).toBe(type);
  expect(written.payload.length).toBeLessThanOrEqual(payload.length);
  expect(decodeMessage(type, written.payload)).toStrictEqual(decoded);
}

test('any message survives encoding and decoding', () => {
  fc.assert(
    fc.property(message, (sent: Message) => {
      const { type, payload } = encodeMessage(sent);
      expect(decodeMessage(type, payload)).toStrictEqual({ ...sent });
    }),
    { numRuns: 2_000 },
  );
});

test('arbitrary bytes never make the decoder throw', () => {
  fc.assert(
    fc.property(
      fc.oneof(ourType, fc.integer({ min: 0, max: 65_535 })),
      fc.uint8Array({ maxLength: 200 }),
      expectStable,
    ),
    { numRuns: 2_000 },
  );
});

test('a message of which bytes were changed, lost or added is refused, or read as another valid message', () => {
  const original = fc.oneof(
    message.map(encodeMessage),
    fc.constantFrom(...vectors).map(({ type, payload }) => ({ type, payload: fromHex(payload) })),
  );
  fc.assert(
    fc.property(original, fc.array(mutation, { minLength: 1, maxLength: 3 }), ({ type, payload }, mutations) => {
      expectStable(type, mutations.reduce(mutated, payload));
    }),
    { numRuns: 5_000 },
  );
});

test('a payload cut short anywhere is refused, or read as a shorter valid message', () => {
  for (const { type, payload } of vectors) {
    const whole = fromHex(payload);
    for (let length = 0; length < whole.length; length++) expectStable(type, whole.subarray(0, length));
  }
});

test('a payload of one version, read as any other kind of message, never makes the decoder throw', () => {
  for (const { payload } of vectors) {
    for (let type = 42_080; type <= 42_118; type++) expectStable(type, fromHex(payload));
  }
});
