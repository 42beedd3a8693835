import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isMap, isScalar, isSeq, parseDocument } from 'yaml';
import type { Node } from 'yaml';
import type { JsonSchema } from '../../src/config/json-schema.ts';

const textOf = (name: string): string => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
const schema = JSON.parse(textOf('config.schema.json')) as JsonSchema;

/** All names of keys in the schema. */
function* keyNames({ properties = {}, items, oneOf = [], additionalProperties }: JsonSchema): Generator<string> {
  yield* Object.keys(properties);
  for (const inner of [...Object.values(properties), ...oneOf, items, additionalProperties])
    if (typeof inner === 'object') yield* keyNames(inner);
}
const names = new Set(keyNames(schema));

/** A key that is commented out, like `# models: ["*"]`, in what is, too; a sentence that begins like one ends with a full stop. */
const commentedKey = /^(\s*)# (\s*)(?:# )?((?:- )?([a-z_]+): .*[^.])$/;
const example = textOf('config.example.yaml')
  .split('\n')
  .map((line) =>
    line.replace(commentedKey, (same, indent, more, rest, key) => (names.has(key) ? `${indent}${more}${rest}` : same)),
  );
const text = example.join('\n');

interface Key {
  readonly path: string;
  readonly schema: JsonSchema;
  /** The line where it stands in the example; undefined: nowhere. */
  readonly line: number | undefined;
}

/** Every key of the schema that is not deprecated, and where the first of its kind stands in the example. */
function* keys(at: JsonSchema, nodes: readonly unknown[], path = ''): Generator<Key> {
  const maps = nodes.filter(isMap);
  for (const [name, inner] of Object.entries(at.properties ?? {})) {
    if (inner.deprecated) continue;
    const pairs = maps.flatMap(({ items }) => items.filter(({ key }) => isScalar(key) && key.value === name));
    const start = (pairs[0]?.key as Node | undefined)?.range?.[0];
    const line = start === undefined ? undefined : text.slice(0, start).split('\n').length - 1;
    yield { path: `${path}${name}`, schema: inner, line };
    const values = pairs.map(({ value }) => value);
    yield* keys(inner, values, `${path}${name}.`);
  }
  if (at.items)
    yield* keys(
      at.items,
      nodes.filter(isSeq).flatMap(({ items }) => items),
      path,
    );
  for (const one of at.oneOf ?? []) {
    const driver = one.properties?.['driver']?.const;
    yield* keys(
      one,
      maps.filter((map) => map.get('driver') === driver),
      `${path}${String(driver)}.`,
    );
  }
  if (typeof at.additionalProperties === 'object')
    yield* keys(
      at.additionalProperties,
      maps.flatMap(({ items }) => items.map(({ value }) => value)),
      `${path}*.`,
    );
}
const document = parseDocument(text);
const all = [...keys(schema, [document.contents])];

const UNITS: Readonly<Record<string, number>> = { MiB: 2 ** 20, GiB: 2 ** 30 };

/** The default that the comment above a line tells; keys that stand together have one comment: `Default: 600 and 6000.` */
function toldDefault(line: number): number | undefined {
  const isComment = (index: number): boolean => /^\s*#/.test(example[index] ?? '');
  let last = line - 1;
  while (last > 0 && !isComment(last) && example[last]?.trim()) last--;
  let first = last;
  while (isComment(first - 1)) first--;
  const comment = example.slice(first, last + 1).join(' ');
  const told = /Default(?: \(and 0\))?: ([^.]*)\./.exec(comment)?.[1]?.split(' and ')[line - last - 1];
  const [, digits, unit] = /^(\d+)(?: (MiB|GiB))?\b/.exec(told ?? '') ?? [];
  return digits === undefined ? undefined : Number(digits) * (UNITS[unit ?? ''] ?? 1);
}

describe('the example', () => {
  it('is sound with what is commented out, too', () => {
    expect(document.errors).toEqual([]);
    expect(all.length).toBeGreaterThan(80);
  });

  it('has every key', () => expect(all.filter(({ line }) => line === undefined).map(({ path }) => path)).toEqual([]));

  it('tells the default of every number', () => {
    const numbers = all.filter((key) => typeof key.schema.default === 'number');
    expect(numbers.length).toBeGreaterThan(35);
    expect(numbers.map(({ path, line }) => [path, line === undefined ? undefined : toldDefault(line)])).toEqual(
      numbers.map((key) => [key.path, key.schema.default]),
    );
  });
});
