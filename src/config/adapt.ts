import type { z } from 'zod';
import { schemaAt, type JsonSchema } from './json-schema.ts';
import type { Path } from './problem.ts';
import type { Tree } from './tree.ts';

/** A zod issue; paths in YAML hold texts and numbers only. */
export type Issue = Distribute<z.core.$ZodIssue>;
type Distribute<T> = T extends unknown ? Omit<T, 'path'> & { readonly path: Path } : never;

const NUMBER = /^[+-]?(\d[\d_]*\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const YES = /^(true|yes|y|on)$/i;
const NO = /^(false|no|n|off)$/i;

/** The value at `path`; undefined when there is none. */
export function valueAt(root: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, key)
        ? (value as Record<PropertyKey, unknown>)[key]
        : undefined,
    root,
  );
}

/** What a scalar means where `issue` wants another type; undefined when nothing. YAML guesses types, the schema knows them. */
function meant(issue: Issue, value: unknown, text: string): string | number | boolean | undefined {
  const truth = YES.test(text) ? true : NO.test(text) ? false : undefined;
  if (issue.code === 'invalid_value') return truth !== value && issue.values.includes(truth) ? truth : undefined;
  if (issue.code !== 'invalid_type') return undefined;
  if (issue.expected === 'string' && (typeof value === 'number' || typeof value === 'boolean')) return text;
  if (typeof value !== 'string') return undefined;
  if (issue.expected === 'boolean') return truth;
  if ((issue.expected === 'number' || issue.expected === 'int') && NUMBER.test(text))
    return Number(text.replaceAll('_', ''));
  return undefined;
}

/**
 * Gives the value that `issue` is about the type that is wanted, where that is what the operator meant: an unquoted number (a node id of
 * digits only) is the text as written, a variable may hold a number, `yes` is true, and an empty key is one that was left out.
 */
export function adapt(root: unknown, issue: Issue, tree: Tree, json: JsonSchema): boolean {
  const key = issue.path.at(-1);
  const holder = valueAt(root, issue.path.slice(0, -1)) as Record<PropertyKey, unknown> | undefined;
  if (key === undefined || !holder) return false;
  const value = valueAt(root, issue.path);
  if (value === null && typeof key === 'string') {
    const names = schemaAt(json, issue.path.slice(0, -1), valueAt(root, issue.path.slice(0, -1)));
    if (names?.properties === undefined && typeof names?.additionalProperties === 'object') holder[key] = {};
    else delete holder[key];
    return true;
  }
  const written = tree.written(issue.path);
  const better = written?.loose ? meant(issue, value, written.text) : undefined;
  if (better === undefined) return false;
  holder[key] = better;
  return true;
}
