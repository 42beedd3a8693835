import { expect, test } from 'vitest';
import { msat } from '../../src/money/msat.ts';
import type { Capability } from '../../src/openai/request.ts';
import { kindsOf } from '../../src/storefront/what-models-do.ts';

const COMPLETES = ['openai.chat_completions.v1', 'openai.responses.v1'];
const EMBEDS = ['openai.embeddings.v1'];

const price = (input: bigint, request = 0n) => ({
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

test('embeddings are sold only where input or request cost something', () => {
  expect(kinds(['embedding', 'completion'], undefined, price(0n))).toEqual(COMPLETES);
  expect(kinds(['embedding'], undefined, price(0n, 1n))).toEqual(EMBEDS);
});
