import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { parseConfig } from '../../src/config/load.ts';
import { ConfigError } from '../../src/config/problem.ts';
import { law } from './law.ts';

const path = fileURLToPath(new URL('../../config.example.yaml', import.meta.url));
const example = readFileSync(path, 'utf8').split('\n');
const keys = [...new Set(example.flatMap((line) => /^[\s#-]*([a-z_]+):/.exec(line)?.[1] ?? []))];

const scalar = fc.oneof(
  fc.constantFrom(
    '',
    'null',
    '~',
    'true',
    'no',
    '0',
    '-1',
    '1e9',
    '0x1F',
    '1_000',
    '.inf',
    '.nan',
    '2026-11-21',
    '12:30',
  ),
  fc.constantFrom('ollama', 'openai', 'demo', 'lnd', 'embedded', 'max_tokens', 'http://x', 'n', '127.0.0.1:1', 'bytes'),
  fc.constantFrom(
    '"${HOME}"',
    '${',
    '"${A:-7}"',
    '$${',
    '&a x',
    '*a',
    '!!binary x',
    '!x y',
    '|',
    '>',
    '{',
    '[',
    '"',
    "'",
  ),
  fc.string({ maxLength: 8 }),
  fc.string({ unit: 'binary', maxLength: 4 }),
);
const key = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom(...keys) },
  fc.constantFrom('<<', '__proto__', 'constructor', '? a', '"\\u0000"', '1', 'null'),
);
/** Mappings and lists of the keys that there are, with values of any kind. */
const { tree } = fc.letrec<{ tree: string }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, depthIdentifier: 'yaml' },
    scalar,
    fc.array(fc.tuple(key, tie('tree')), { maxLength: 4 }).map((pairs) => {
      const lines = pairs.map(([name, value]) => `${name}: ${value.replaceAll('\n', '\n  ')}`);
      return `\n${lines.join('\n')}`;
    }),
    fc.array(tie('tree'), { maxLength: 3 }).map((items) => `\n${items.map((item) => `- ${item}`).join('\n')}`),
    fc
      .array(fc.tuple(key, scalar), { maxLength: 3 })
      .map((pairs) => `{ ${pairs.map((pair) => pair.join(': ')).join(', ')} }`),
  ),
}));

type Edit = (lines: string[]) => string[];
const edit: fc.Arbitrary<Edit> = fc
  .tuple(fc.nat({ max: example.length }), fc.nat({ max: 80 }), scalar, key, fc.nat({ max: 5 }))
  .map(([at, column, value, name, what]) => (lines) => {
    const line = lines[at] ?? '';
    const put = (text: string): string[] => lines.with(Math.min(at, lines.length - 1), text);
    if (what === 0) return lines.toSpliced(at, 1);
    if (what === 1) return lines.toSpliced(at, 0, line);
    if (what === 2) return put(line.replace(/(:\s*).*/, `$1${value.replaceAll('$', '$$$$')}`));
    if (what === 3) return put(line.replace(/[a-z_]+:/, `${name}:`));
    if (what === 4) return put(line.replace(/^(\s*)# ?/, '$1'));
    return put(`${line.slice(0, column)}${value}${line.slice(column)}`);
  });
const text = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .array(edit, { minLength: 1, maxLength: 5 })
      .map((edits) => edits.reduce((lines, change) => change(lines), example).join('\n')),
  },
  {
    weight: 3,
    arbitrary: fc
      .array(fc.tuple(key, tree), { maxLength: 5 })
      .map((pairs) => pairs.map(([name, value]) => `${name}: ${value.replaceAll('\n', '\n  ')}`).join('\n')),
  },
  tree,
  fc.string({ unit: 'binary' }),
);
const environment = fc.dictionary(
  fc.constantFrom(
    'OLLAMA_HOST',
    'LCPD_BACKEND',
    'LCPD_OPENAI_BASE_URL',
    'LND_GRPC_ENDPOINT',
    'LND_MACAROON_HEX',
    'LCPD_LOG_LEVEL',
  ),
  fc.oneof(fc.string({ maxLength: 20 }), fc.constantFrom('openai', 'http://x', 'a:1', 'ff')),
);

export const configLaws = [
  law(
    'config',
    'any text is a configuration, or its problems are told with their places and cures',
    fc.tuple(text, environment),
    ([given, env]) => {
      try {
        const { config } = parseConfig({ path, text: given }, env);
        assert.ok(Object.isFrozen(config));
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        assert.ok(error.problems.length > 0);
        for (const { position, message, cure } of error.problems) {
          assert.ok(position.line >= 1 && position.column >= 1, `${position.line}:${position.column}`);
          assert.ok(
            position.line <= given.split(/\r\n|\r|\n/).length || position.file !== path,
            `line ${position.line}`,
          );
          assert.ok(message !== '' && cure !== '');
        }
      }
    },
    300,
  ),
];
