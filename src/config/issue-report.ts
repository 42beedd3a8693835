import { valueAt, type Issue } from './adapt.ts';
import { expectedText, gotText } from './expected.ts';
import { schemaAt, type JsonSchema } from './json-schema.ts';
import { pathText, type Path, type Problem } from './problem.ts';
import { suggestion } from './suggestion.ts';
import type { Tree } from './tree.ts';

/** A problem, and what must be left out so that the rest can be checked. */
export interface Report {
  readonly report: Problem;
  readonly at: Path;
}

const firstSentence = (text: string | undefined): string => /^.*?(?=\.( |$)|: |; |$)/.exec(text ?? '')?.[0] ?? '';

/** The words that a schema has for a value, or for an entry of a list. */
const wordsOf = ({ enum: words = [], const: only, anyOf = [], items }: JsonSchema): string[] => [
  ...[...words, only].filter((word) => typeof word === 'string'),
  ...anyOf.flatMap(wordsOf),
  ...(items ? wordsOf(items) : []),
];

/** The keys of the mappings that a schema allows. */
const keysOf = ({ properties = {}, anyOf = [] }: JsonSchema): string[] => [
  ...Object.keys(properties),
  ...anyOf.flatMap(keysOf),
];

/** The cure for a word, or for a mapping's key, that was nearly right; undefined when nothing is near. */
function nearCure(value: unknown, known: readonly string[]): string | undefined {
  const isMapping = typeof value === 'object' && value !== null && !Array.isArray(value);
  const words: unknown[] = isMapping ? Object.keys(value) : [value].flat();
  const written = words.filter((word): word is string => typeof word === 'string' && !known.includes(word));
  const near = written.map((word) => suggestion(word, known)).find((word) => word !== undefined);
  return near && `did you mean ${near}?`;
}

function cureFor(schema: JsonSchema, path: Path, missing: boolean): string {
  const example = schema.default ?? schema.enum?.[0] ?? schema.const;
  const scalar = typeof example === 'string' || typeof example === 'number' || typeof example === 'boolean';
  const key = String(path.at(-1) ?? '');
  const action = missing
    ? `add ${key}${scalar ? `: ${example}` : ''}`
    : scalar
      ? `write for example ${example}`
      : schema.type === 'object' || schema.oneOf
        ? 'write "key: value" lines below it, indented'
        : schema.type === 'array'
          ? 'write one line "- entry" for each entry'
          : `write ${expectedText(schema) ?? 'another value'}`;
  const meaning = firstSentence(schema.description);
  return meaning ? `${action} (${meaning})` : action;
}

function unknownKey(tree: Tree, root: unknown, holder: Path, key: string, json: JsonSchema): Report {
  const path = [...holder, key];
  const known = Object.entries(schemaAt(json, holder, root)?.properties ?? {}).flatMap(([name, { deprecated }]) =>
    deprecated ? [] : [name],
  );
  const near = suggestion(key, known);
  const where = holder.length === 0 ? 'at the top' : `in ${pathText(holder)}`;
  const play = holder.join('.') === 'lightning.embedded';
  const keys = known.length === 0 ? '' : `; the keys ${where} are ${known.join(', ')}`;
  const cure = near ? `rename it; did you mean ${near}?` : `remove it${keys}`;
  return {
    at: path,
    report: {
      position: tree.keyPosition(path),
      path,
      message: play ? 'unknown key; the embedded node holds play money on regtest and nothing else' : 'unknown key',
      cure: play && !near ? 'remove it; for another network use driver: lnd' : cure,
    },
  };
}

/** Of a list that may also be a single value: what is wrong with its entries. */
const unfitEntries = (issue: Issue): Issue[] =>
  issue.code === 'invalid_union'
    ? (issue.errors as unknown as Issue[][]).flat().filter(({ path: [index] }) => typeof index === 'number')
    : [];

/** A zod issue as problems with a place, without what is secret. */
export function reportIssue(tree: Tree, root: unknown, issue: Issue, json: JsonSchema): Report[] {
  const { path } = issue;
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(tree, root, path, key, json));
  const value = valueAt(root, path);
  const entries = Array.isArray(value) ? unfitEntries(issue) : [];
  if (entries.length > 0)
    return entries
      .flatMap((entry) => reportIssue(tree, root, { ...entry, path: [...path, ...entry.path] }, json))
      .map((told) => ({ ...told, at: path }));
  const position = issue.code === 'invalid_key' ? tree.keyPosition(path) : tree.position(path);
  const problem = (message: string, cure: string): Report[] => [
    { at: path, report: { position, path, message, cure } },
  ];
  const params = issue.code === 'custom' ? (issue.params as { cure?: unknown } | undefined) : undefined;
  const schema = schemaAt(json, path, root);
  const told = issue.code === 'custom' || issue.code === 'invalid_format' || issue.code === 'invalid_key';
  if (issue.code === 'invalid_union' && 'options' in issue && issue.options) {
    const got = value === undefined ? 'nothing' : gotText(tree, path, value, true);
    return problem(
      `expected one of ${issue.options.map(String).join(', ')}, got ${got}`,
      nearCure(value, issue.options.map(String)) ?? `write driver: ${String(issue.options[0])}, or another of these`,
    );
  }
  if (issue.code === 'too_small' && Array.isArray(value))
    return problem('expected at least one entry, got an empty list', 'add an entry, or take the key away');
  const isMapping = typeof value === 'object' && !Array.isArray(value);
  const near = schema && nearCure(value, isMapping ? keysOf(schema) : wordsOf(schema));
  const expected = told || !schema ? undefined : expectedText(schema);
  if (value === undefined && !told)
    return problem(`is missing: ${expected ?? 'a value'}`, schema ? cureFor(schema, path, true) : 'add it');
  if (expected === undefined || !schema) {
    const cure =
      typeof params?.cure === 'string' ? params.cure : (near ?? (schema ? cureFor(schema, path, false) : 'mend it'));
    const got =
      typeof value === 'object' || issue.code === 'invalid_key' ? '' : `, got ${gotText(tree, path, value, true)}`;
    return problem(`${issue.message.replace(/\.$/, '')}${got}`, cure);
  }
  const scalarWanted = schema.type !== 'object' && schema.type !== 'array' && !schema.oneOf;
  return problem(
    `expected ${expected}, got ${gotText(tree, path, value, scalarWanted)}`,
    near ?? cureFor(schema, path, false),
  );
}
