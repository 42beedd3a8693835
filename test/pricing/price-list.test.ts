import { expect, test } from 'vitest';
import { msat } from '../../src/money/msat.ts';
import { findPrice, fitsPattern } from '../../src/pricing/price-list.ts';

const entry = (pattern: string, request: number) => ({
  pattern,
  price: { inputMsatPerMtok: msat(0), outputMsatPerMtok: msat(0), requestMsat: msat(request) },
});
const lists = [
  { file: 'a', entries: [entry('llama3*', 1), entry('*', 2)] },
  { file: 'b', entries: [entry('llama3:8b', 3), entry('llama3:70b', 4), entry('llama3:70b', 5)] },
];

test('an exact id counts before any pattern, then the first list and the first entry', () => {
  expect(findPrice(lists, 'llama3:8b')?.price).toMatchObject({ requestMsat: 3n });
  expect(findPrice(lists, 'llama3:70b')?.price).toMatchObject({ requestMsat: 4n });
  expect(findPrice(lists, 'llama3:1b')?.price).toMatchObject({ requestMsat: 1n });
  expect(findPrice(lists, 'qwen3')?.price).toMatchObject({ requestMsat: 2n });
});

test('a model without a price is not for sale', () => {
  expect(findPrice(lists.slice(1), 'qwen3')).toBeUndefined();
  expect(findPrice([], 'qwen3')).toBeUndefined();
});

test.each([
  ['a*c', 'abc', true],
  ['a*c', 'ac', true],
  ['a*a', 'a', false],
  ['*b*', 'abc', true],
  ['a*b*c', 'acb', false],
  ['a.c', 'abc', false],
  ['**', '', true],
])('%s fits %s: %s', (pattern, text, fits) => expect(fitsPattern(pattern, text)).toBe(fits));

test('a pattern of many stars takes no time', () => {
  const start = performance.now();
  fitsPattern(`${'*a'.repeat(1000)}*b`, 'a'.repeat(100_000));
  expect(performance.now() - start).toBeLessThan(200);
});
