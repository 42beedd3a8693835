import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readJsonBody } from '../../src/openai/json-body.ts';
import { JsonScanError, scanObject } from '../../src/openai/json-scan.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const accepts = (text: string): boolean => {
  try {
    for (const steps = readJsonBody(bytes(text), {}); steps.next().done !== true;);
    return true;
  } catch (error) {
    if (error instanceof JsonScanError) return false;
    throw error;
  }
};
const parses = (text: string): boolean => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
};

describe('the JSON reader', () => {
  test('tells where each member stands, in bytes', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue(), { maxKeys: 50 }),
        fc.constantFrom(undefined, 1, '\t'),
        (value, indent) => {
          const text = bytes(JSON.stringify(value, null, indent));
          const at = (from: number, to: number): unknown =>
            JSON.parse(new TextDecoder().decode(text.subarray(from, to)));
          const members = scanObject(text);
          expect(members.map(({ keyStart, keyEnd }) => at(keyStart, keyEnd))).toEqual(members.map(({ key }) => key));
          const read = Object.fromEntries(
            members.map(({ key, valueStart, valueEnd }) => [key, at(valueStart, valueEnd)]),
          );
          expect(read).toEqual(Object.fromEntries(Object.entries(JSON.parse(JSON.stringify(value)) as object)));
        },
      ),
    );
  });

  test('accepts what JSON.parse accepts, and nothing else, but for keys that stand twice', () => {
    const token = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ':',
      ',',
      '"a"',
      '"b"',
      '"\\u0061b"',
      '"\\x"',
      '"\\ud8"',
      '1',
      '-0',
      '01',
      '1.',
      '.5',
      '1e',
      '1e+5',
      '-',
      'true',
      'nul',
      'null',
      ' ',
      '\n',
      '"\n"',
      '"',
    );
    fc.assert(
      fc.property(fc.array(token, { maxLength: 12 }), (tokens) => {
        const text = `{"k":${tokens.join('')}}`;
        if (accepts(text)) expect(parses(text)).toBe(true);
        else if (parses(text)) expect(() => scanObject(bytes(text))).toThrow('twice');
      }),
      { numRuns: 5000 },
    );
  });

  test.each([
    '',
    ' ',
    '[]',
    '1',
    '{',
    '{"a"',
    '{"a":1,}',
    '{,}',
    '{"a":1}x',
    '{"a":1}{}',
    '\ufeff{}',
    '{"a":[1,]}',
    '{"a":tru',
    '{"a":"\\u00',
    '{a:1}',
    "{'a':1}",
    '{"a":NaN}',
  ])('refuses %j', (text) => expect(accepts(text)).toBe(false));

  test('refuses a key that stands twice, however it is escaped and however deep', () => {
    expect(() => scanObject(bytes('{"n":1,"\\u006e":2}'))).toThrow('the key "n" stands twice in one object, at byte 7');
    expect(accepts('{"a":[{"b":{"c":1,"c":1}}]}')).toBe(false);
    expect(accepts('{"a":{"c":1},"b":{"c":1}}')).toBe(true);
  });

  test('bounds depth and values', () => {
    expect(accepts(`{"a":${'['.repeat(63)}${']'.repeat(63)}}`)).toBe(true);
    expect(accepts(`{${Array.from({ length: 257 }, (_, i) => `"k${i}":1`).join(',')}}`)).toBe(false);
    expect(accepts(`{"a":${'['.repeat(64)}${']'.repeat(64)}}`)).toBe(false);
    expect(accepts(`{"a":[${'0,'.repeat(25_000)}0]}`)).toBe(false);
  });

  test.each([
    ['one text', `{"a":"${'x'.repeat(4_000_000)}"}`],
    ['escapes', `{"a":"${'\\u006e'.repeat(700_000)}"}`],
    ['brackets', `{"a":${'['.repeat(4_000_000)}`],
    ['objects', `{"a":[${'{},'.repeat(1_300_000)}`],
    ['digits', `{"a":${'1'.repeat(4_000_000)}}`],
    ['keys', `{${Array.from({ length: 300_000 }, (_, i) => `"k${i}":1`).join(',')}}`],
    ['spaces', `${' '.repeat(4_000_000)}{}`],
  ])('takes a moment for 4 MB of %s', (_name, text) => {
    const start = performance.now();
    accepts(text);
    expect(performance.now() - start).toBeLessThan(500);
  });
});
