import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Job } from '../../src/job/job.ts';
import { decodeEffect, decodeJob, encodeEffect, encodeJob } from '../../src/ledger/job-record.ts';
import { jobNamed } from './job-fixture.ts';

/** Anything a job can hold, and keys that look like the encoding itself. */
const anything = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.bigInt(),
    fc.string({ unit: 'binary' }),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('$msat', '$$msat', '$', '__proto__')), tie('value'), {
      maxKeys: 4,
    }),
  ),
})).value;

test('a job is the same after it was saved and read, whatever it holds', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), anything), fc.string(), (extra, name) => {
      const job = { ...jobNamed(name), extra } as Job;
      expect(decodeJob(encodeJob(job))).toEqual(job);
    }),
  );
});

test('a text that looks like money stays a text, and an object that looks like money stays an object', () => {
  const job = { ...jobNamed('a'), failure: '{"$msat":"1"}', odd: { $msat: '1' } };
  expect(decodeJob(encodeJob(job))).toEqual(job);
});

test('fields of a later program are kept by this one', () => {
  const text = encodeJob({ ...jobNamed('a'), laterMsat: 5n } as Job);
  const changed = { ...decodeJob(text), attempts: 1 };
  expect(decodeJob(encodeJob(changed))).toMatchObject({ laterMsat: 5n, attempts: 1 });
});

test('an older format is led through every upgrade', () => {
  const upgrades = {
    1: (fields: object) => ({ ...fields, two: true }),
    2: (fields: object) => ({ ...fields, three: true }),
  };
  expect(decodeJob(encodeJob(jobNamed('a')), upgrades, 3)).toMatchObject({
    key: jobNamed('a').key,
    two: true,
    three: true,
  });
});

test('a newer format is refused, and says to update', () => {
  expect(() => decodeJob('{"format":2,"job":{}}')).toThrow(/format 2; this program knows up to 1: update it/);
});

test.each(['', '{', 'null', '{"format":1}', '{"format":"1","job":{}}', '{"format":1,"job":{"key":1}}'])(
  '%j is no job',
  (text) => {
    expect(() => decodeJob(text)).toThrow(expect.objectContaining({ code: 'corrupt' }));
  },
);

test('what JSON would lose in silence is refused', () => {
  expect(() => encodeJob(jobNamed('a', { attempts: Number.NaN }))).toThrow(expect.objectContaining({ code: 'failed' }));
});

test('an effect is the same after it was saved and read', () => {
  const effect = { kind: 'send-error', code: 'quote-expired', message: 'too "late"' } as const;
  expect(decodeEffect(encodeEffect(effect))).toEqual(effect);
  expect(() => decodeEffect('[]')).toThrow(expect.objectContaining({ code: 'corrupt' }));
});
