import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Version } from '../../src/protocol/messages.ts';
import { ProtocolError } from '../../src/protocol/protocol-error.ts';
import { termsHash, type Terms } from '../../src/protocol/terms.ts';
import { fromHex, readVectors } from './vectors.ts';

interface TermsVector {
  readonly name: string;
  readonly version: Version;
  readonly input: string;
  readonly terms: Terms;
  readonly hash: string;
}

const vectors = readVectors<TermsVector>('terms.json');

test.each(vectors)('$name hash as everyone else has it', ({ version, input, terms, hash }) => {
  expect(terms.inputSha256).toBe(createHash('sha256').update(input).digest('hex'));
  expect(terms.inputBytes).toBe(BigInt(Buffer.byteLength(input)));
  expect(termsHash(version, terms)).toBe(hash);
});

describe('the terms hash', () => {
  const terms = vectors.find(({ name }) => name === 'v0.3 terms with response types')!.terms;
  const { responseContentType: _type, responseContentEncoding: _encoding, ...v2Terms } = terms;

  test('changes with every single term', () => {
    const changes: Partial<Terms>[] = [
      { jobId: '12'.repeat(32) },
      { priceMsat: 1_001n },
      { quoteExpiryS: 501n },
      { taskKind: 'openai.responses.v1' },
      { params: fromHex('010162') },
      { inputSha256: '00'.repeat(32) },
      { inputBytes: 58n },
      { inputContentType: 'text/plain' },
      { inputContentEncoding: 'gzip' },
    ];
    const v2 = [{}, ...changes].map((change) => termsHash(2, { ...v2Terms, ...change }));
    const response = [{ responseContentType: 'text/plain' }, { responseContentEncoding: 'gzip' }];
    const v3 = [{}, ...changes, ...response].map((change) => termsHash(3, { ...terms, ...change }));
    expect(new Set([...v2, ...v3]).size).toBe(v2.length + v3.length);
  });

  test('is refused for v0.2 params which are not a canonical TLV stream', () => {
    for (const hex of ['00', '0100' + '0100', 'fd000100', '010561']) {
      expect(() => termsHash(2, { ...v2Terms, params: fromHex(hex) })).toThrow(ProtocolError);
      expect(termsHash(3, { ...terms, params: fromHex(hex) })).toHaveLength(64);
    }
  });

  test('is refused for response types in v0.2, and for one of two in v0.3', () => {
    expect(() => termsHash(2, terms)).toThrow(ProtocolError);
    expect(() => termsHash(3, { ...v2Terms, responseContentType: 'text/plain' })).toThrow(ProtocolError);
  });
});
