import { describe, expect, test } from 'vitest';
import { msat } from '../../src/money/msat.ts';
import type { PriceEntry } from '../../src/pricing/price-list.ts';
import { findSale, salesOf } from '../../src/pricing/sale.ts';

const entry = (pattern: string, requestMsat: number, ...aliases: string[]): PriceEntry => ({
  pattern,
  price: { inputMsatPerMtok: msat(0), outputMsatPerMtok: msat(0), requestMsat: msat(requestMsat) },
  ...(aliases.length > 0 && { aliases }),
});
const lists = [
  { file: 'a', entries: [entry('big', 1, 'large'), entry('*', 2)] },
  { file: 'b', entries: [entry('big', 3, 'huge'), entry('small', 4, 'tiny', 'wee')] },
];

describe('an alias', () => {
  test('is sold at the price of its model, which the backend is asked for', () => {
    expect(findSale(lists, 'wee')).toMatchObject({ name: 'wee', backendModel: 'small', entry: { pattern: 'small' } });
    expect(findSale(lists, 'small')).toMatchObject({ name: 'small', backendModel: 'small' });
  });

  test('of an entry that does not count for its model is none', () => {
    expect(findSale(lists.slice(0, 1), 'large')).toMatchObject({ backendModel: 'big' });
    expect(findSale(lists, 'huge')).toMatchObject({ backendModel: 'huge', entry: { pattern: '*' } });
  });

  test('counts before a model that a backend has under this name', () => {
    expect(salesOf(lists, ['small', 'tiny']).map(({ name, backendModel }) => [name, backendModel])).toEqual([
      ['small', 'small'],
      ['tiny', 'small'],
      ['wee', 'small'],
    ]);
  });

  test('is for sale as long as a backend has its model', () => {
    expect(salesOf(lists, ['big', 'other']).map(({ name }) => name)).toEqual(['big', 'large', 'other']);
    expect(salesOf([], ['big'])).toEqual([]);
  });
});
