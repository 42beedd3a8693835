import type { Version } from './messages.ts';

/** LCP v0.2 §5.7: what a code means when it is read. */
const v2Names = {
  1: 'unsupported-version',
  2: 'unsupported-task',
  3: 'quote-expired',
  4: 'payment-required',
  5: 'payment-invalid',
  6: 'payload-too-large',
  7: 'rate-limited',
  8: 'unsupported-params',
  9: 'unsupported-encoding',
  10: 'invalid-state',
  11: 'chunk-out-of-order',
  12: 'checksum-mismatch',
} as const;

/** LCP v0.3 §8.2; `unsupported-task` is its unsupported_method. */
const v3Names = {
  1: 'unsupported-version',
  2: 'manifest-required',
  3: 'unsupported-task',
  4: 'quote-expired',
  5: 'payment-required',
  6: 'payment-invalid',
  7: 'payload-too-large',
  8: 'rate-limited',
  9: 'unsupported-encoding',
  10: 'invalid-state',
  11: 'chunk-out-of-order',
  12: 'checksum-mismatch',
  13: 'stream-limit-exceeded',
} as const;

export type ErrorName = (typeof v2Names)[keyof typeof v2Names] | (typeof v3Names)[keyof typeof v3Names];

const names: Readonly<Record<Version, Readonly<Record<number, ErrorName>>>> = { 2: v2Names, 3: v3Names };

const codes: Readonly<Record<ErrorName, Readonly<Record<Version, number>>>> = {
  'unsupported-version': { 2: 1, 3: 1 },
  'manifest-required': { 2: 10, 3: 2 }, // v0.2 has none: invalid_state
  'unsupported-task': { 2: 2, 3: 3 },
  'quote-expired': { 2: 3, 3: 4 },
  'payment-required': { 2: 4, 3: 5 },
  'payment-invalid': { 2: 5, 3: 6 },
  'payload-too-large': { 2: 6, 3: 7 },
  'rate-limited': { 2: 7, 3: 8 },
  'unsupported-params': { 2: 8, 3: 3 }, // v0.3 has none: unsupported_method
  'unsupported-encoding': { 2: 9, 3: 9 },
  'invalid-state': { 2: 10, 3: 10 },
  'chunk-out-of-order': { 2: 11, 3: 11 },
  'checksum-mismatch': { 2: 12, 3: 12 },
  'stream-limit-exceeded': { 2: 6, 3: 13 }, // v0.2 has none: payload_too_large
};

/** The number to send for an error; the nearest one where a version has no such code. */
export function errorCode(version: Version, name: ErrorName): number {
  return codes[name][version];
}

/** What a received number means; undefined for one which the version does not define. */
export function errorName(version: Version, code: number): ErrorName | undefined {
  return names[version][code];
}
