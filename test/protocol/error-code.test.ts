import { expect, test } from 'vitest';
import { errorCode, errorName, type ErrorName } from '../../src/protocol/error-code.ts';

const table: [ErrorName, number, number][] = [
  ['unsupported-version', 1, 1],
  ['manifest-required', 10, 2],
  ['unsupported-task', 2, 3],
  ['quote-expired', 3, 4],
  ['payment-required', 4, 5],
  ['payment-invalid', 5, 6],
  ['payload-too-large', 6, 7],
  ['rate-limited', 7, 8],
  ['unsupported-params', 8, 3],
  ['unsupported-encoding', 9, 9],
  ['invalid-state', 10, 10],
  ['chunk-out-of-order', 11, 11],
  ['checksum-mismatch', 12, 12],
  ['stream-limit-exceeded', 6, 13],
];

test.each(table)('%s is %i in v0.2 and %i in v0.3', (name, v2, v3) => {
  expect([errorCode(2, name), errorCode(3, name)]).toEqual([v2, v3]);
});

test('every number of a version has the name that is sent as this number', () => {
  for (const [version, count] of [
    [2, 12],
    [3, 13],
  ] as const) {
    for (let code = 1; code <= count; code++) {
      const name = errorName(version, code);
      expect(name && errorCode(version, name)).toBe(code);
    }
  }
});

test('a number which a version does not define has no name', () => {
  expect([errorName(2, 0), errorName(2, 13), errorName(3, 14), errorName(3, 65_535)]).toEqual(Array(4).fill(undefined));
});
