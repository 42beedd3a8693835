import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeModelParams, encodeModelParams } from '../../src/protocol/params.ts';
import { ProtocolError } from '../../src/protocol/protocol-error.ts';
import { fromHex, toHex } from './vectors.ts';

test('the params of a model are one TLV of type 1', () => {
  expect(toHex(encodeModelParams('a'))).toBe('010161');
  expect(decodeModelParams(fromHex('0107717765' + '6e332d34'))).toEqual({ model: 'qwen3-4' });
});

test('any model name survives encoding and decoding', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1 }), (model) => {
      expect(decodeModelParams(encodeModelParams(model))).toEqual({ model });
    }),
  );
});

test.each([
  ['no model', ''],
  ['an empty model', '0100'],
  ['a model that is not UTF-8', '0101ff'],
  ['an unknown odd type beside the model', '010161' + '0300'],
  ['an unknown even type before the model', '0000' + '010161'],
  ['the model twice', '010161' + '010161'],
  ['a model that is cut off', '010261'],
  ['JSON instead of a TLV stream', '7b7d'],
])('params with %s are an error value, not a throw', (_what, hex) => {
  expect(decodeModelParams(fromHex(hex))).toEqual({ error: 'unsupported-params', reason: expect.any(String) });
});

test('a model that no peer could read is not encoded', () => {
  expect(() => encodeModelParams('')).toThrow(ProtocolError);
  expect(() => encodeModelParams('\udc00')).toThrow(ProtocolError);
});
