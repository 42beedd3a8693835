import { expect, test } from 'vitest';
import { msat } from '../../src/money/msat.ts';
import type { Capability } from '../../src/openai/request.ts';
import type { TokenPrice } from '../../src/pricing/model-price.ts';
import { kindsOf, whyNoImages } from '../../src/storefront/what-models-do.ts';

const COMPLETES = ['openai.chat_completions.v1', 'openai.responses.v1'];
const EMBEDS = ['openai.embeddings.v1'];

const price = (input: bigint, request = 0n): TokenPrice => ({
  inputMsatPerMtok: msat(input),
  outputMsatPerMtok: msat(5n),
  requestMsat: msat(request),
});

function kinds(told?: readonly Capability[], written?: readonly Capability[], of = price(1n)) {
  const model = { id: 'm', backends: ['a'], ...(told && { capabilities: told }) };
  return kindsOf(model, { pattern: 'm', price: of, ...(written && { capabilities: written }) });
}

test.each<[string, readonly Capability[] | undefined, readonly Capability[] | undefined, readonly string[]]>([
  ['of which nobody tells anything completes texts', undefined, undefined, COMPLETES],
  ['does what its price list entry says', undefined, ['embedding'], EMBEDS],
  ['does what its backend tells, whatever its entry says', ['embedding'], ['completion'], EMBEDS],
  ['that does both is sold for both', ['completion', 'embedding'], undefined, [...COMPLETES, ...EMBEDS]],
  ['that does neither is not sold', ['vision'], undefined, []],
])('a model %s', (_what, told, written, expected) => expect(kinds(told, written)).toEqual(expected));

test('a model is sold for the work that its servers take, if it can do it', () => {
  const chats = { id: 'm', backends: ['a'], taskKinds: ['openai.chat_completions.v1'] } as const;
  const entry = { pattern: 'm', price: price(1n) };
  expect(kindsOf(chats, entry)).toEqual(['openai.chat_completions.v1']);
  expect(kindsOf(chats, { ...entry, capabilities: ['embedding'] })).toEqual([]);
});

test('images are sold where the model can see and they have a price', () => {
  const seeing = { id: 'm', backends: ['a'], capabilities: ['completion', 'vision'] } as const;
  const unknown = { id: 'm', backends: ['a'] };
  const entry = { pattern: 'm', price: { ...price(1n), imageMsat: msat(1n) } };
  expect(whyNoImages(seeing, entry)).toBeUndefined();
  expect(whyNoImages(unknown, { ...entry, capabilities: ['vision', 'completion'] })).toBeUndefined();
  expect(whyNoImages(unknown, entry)).toContain('can not see');
  expect(whyNoImages(seeing, { ...entry, price: price(1n) })).toContain('no price');
});

test('embeddings are sold only where something but output costs something', () => {
  expect(kinds(['embedding', 'completion'], undefined, price(0n))).toEqual(COMPLETES);
  expect(kinds(['embedding'], undefined, price(0n, 1n))).toEqual(EMBEDS);
  expect(kinds(['embedding'], undefined, { ...price(0n), minimumMsat: msat(1n) })).toEqual(EMBEDS);
});
