import { expect, test } from 'vitest';
import { readRetryHintMs, retryHint } from '../../src/protocol/retry-hint.ts';

test.each([1, 999, 1_000, 1_001, 42_000, 3_600_000])(
  'the hint to come back in %i ms is read as it was meant, in whole seconds',
  (ms) => {
    expect(readRetryHintMs(`busy; ${retryHint(ms)}`)).toBe(Math.ceil(ms / 1000) * 1000);
  },
);

test.each([
  '',
  'busy',
  'try again soon',
  'try again in about 9999999 s',
  'try again in about -1 s',
  'try again in about 1e3 s',
])('no hint is read from "%s"', (text) => expect(readRetryHintMs(text)).toBeUndefined());
