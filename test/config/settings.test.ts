import { describe, expect, it } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { jsonSchemaOf } from '../../src/config/json-schema.ts';
import { parseConfig } from '../../src/config/load.ts';
import { configSchema } from '../../src/config/schema.ts';

const read = (written: object): Config =>
  parseConfig({ path: '/somewhere/config.yaml', text: JSON.stringify(written) }, {}).config;

/** In this order, because each value is above the one before: hold_seconds stays below total_seconds. */
const sections = ['limits', 'payment', 'deadlines', 'spool'] as const;
/** The disk must hold one request, and one answer with the marks of its chunks. */
const SPOOL_ROOM_BYTES = 10_000;

const numericKeys = sections.flatMap((section) =>
  Object.entries(jsonSchemaOf(configSchema).properties![section]!.properties!)
    .filter(([, { type }]) => type === 'integer')
    .map(([key, { minimum }]) => ({ section, key, minimum: minimum ?? 0 })),
);

/** The least that each key bears, and a bit more, so that no two are the same. */
const written = numericKeys.map(({ section, key, minimum }, index) => ({
  section,
  key,
  value: Math.max(minimum, 1) + index + (key === 'max_bytes' ? SPOOL_ROOM_BYTES : 0),
}));

const camelCase = (key: string): string => key.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase());

function bySection(name: (key: string) => string): Record<string, Record<string, number>> {
  const all: Record<string, Record<string, number>> = {};
  for (const { section, key, value } of written) (all[section] ??= {})[name(key)] = value;
  return all;
}

describe('every number of limits, payment, deadlines and spool', () => {
  it('lands under its own name', () => {
    expect(written.length).toBeGreaterThan(25);
    expect(new Set(written.map(({ value }) => value)).size).toBe(written.length);
    const { limits, payment, deadlines, spool } = read(bySection((key) => key));
    const { mode, ...paymentNumbers } = payment;
    expect(mode).toBe('upfront');
    expect({ limits, payment: paymentNumbers, deadlines, spool }).toEqual(bySection(camelCase));
  });

  it('is taken as written, but a payment is held no longer than an answer may take in all', () =>
    expect(read({ payment: { hold_seconds: 1801 }, deadlines: { total_seconds: 1800 } }).payment.holdSeconds).toBe(
      1800,
    ));
});
