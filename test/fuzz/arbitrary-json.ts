import fc from 'fast-check';
import { kinds } from '../../src/openai/request.ts';
import { png } from '../openai/images.ts';
import type { TaskKind } from '../../src/openai/request.ts';

const space = fc.constantFrom('', '', '', ' ', '\n', '\t\r');

/** A key as hostile clients spell it. */
const spelled = (key: string): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 20, arbitrary: fc.constant(JSON.stringify(key)) },
    fc.constant(JSON.stringify(key.toUpperCase())),
    fc.constant(JSON.stringify(key.replace('s', 'ſ').replace('k', '\u212a'))),
    fc.constant(`"\\u00${key.charCodeAt(0).toString(16)}${key.slice(1)}"`),
    fc.constant(`"${key.replace('_', '\\u005F')}"`),
    fc.constant(JSON.stringify(`${key}\u0000`)),
  );

const oddNumber = fc.oneof(
  fc.integer({ min: -2, max: 120 }).map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => JSON.stringify(number)),
  fc.constantFrom(
    '1e400',
    '-0',
    '1E+2',
    '100.0',
    '9007199254740993',
    '1e-400',
    '01',
    '+1',
    '0x1',
    `1${'0'.repeat(400)}`,
  ),
);
const oddText = fc.oneof(
  fc
    .array(fc.constantFrom('a', '\\"', '\\\\', '{', '}', ',', ':', '[', '\\u0022'), { maxLength: 5 })
    .map((parts) => `"${parts.join('')}"`),
  fc.string({ unit: 'binary' }).map((text) => JSON.stringify(text)),
  fc.constantFrom(
    '"\\ud800"',
    '"\\u0000"',
    '"\\/"',
    '"\ud83d\ude00"',
    '"',
    '"\\x"',
    '"\n"',
    '"data:image/png;base64,AA=="',
    JSON.stringify(png(1, 1)),
  ),
);
const scalar = fc.oneof(oddNumber, oddText, fc.constantFrom('true', 'false', 'null', 'nul', 'NaN'));

const joined = (open: string, parts: fc.Arbitrary<string[]>, close: string): fc.Arbitrary<string> =>
  fc.tuple(parts, space, space).map(([list, a, b]) => `${open}${a}${list.join(`${b},${a}`)}${b}${close}`);

const names = ['type', 'text', 'role', 'content', 'function', 'tools', 'image_url', 'url', 'name', '__proto__', 'a'];
/** Nested JSON of the words that requests are made of; mostly well made. */
const { nested } = fc.letrec<{ nested: string }>((tie) => ({
  nested: fc.oneof(
    { maxDepth: 4, depthIdentifier: 'json' },
    scalar,
    fc.constantFrom('"text"', '"function"', '"user"', '"web_search"', '"message"', '"input_text"', '"auto"'),
    joined('[', fc.array(tie('nested'), { maxLength: 3 }), ']'),
    joined(
      '{',
      fc.array(
        fc
          .tuple(fc.constantFrom(...names).chain(spelled), space, tie('nested'))
          .map(([key, gap, value]) => `${key}${gap}:${gap}${value}`),
        { maxLength: 3 },
      ),
      '}',
    ),
  ),
}));

/** Values that the gate lets pass, so that whole requests do. */
const sound: Readonly<Record<string, readonly string[]>> = {
  model: ['"m"'],
  messages: [
    '[{"role":"user","content":"hi"}]',
    `[{"role":"user","content":[{"type":"image_url","image_url":{"url":"${png(2, 2)}","detail":"low"}}]}]`,
    `[{"role":"user","content":"a","annotations":[{"type":"image_url","image_url":{"url":"${png(2, 2)}"}}]}]`,
    `[{"role":"user","content":[{"type":"image_url","image_url":{"url":"${png(9_999, 9_999)}"}}]}]`,
    '[{"role":"user","content":[{"type":"text","text":"\\u0068"}]}]',
  ],
  'openai.embeddings.v1': ['"hi"', '["hi","\\u0068o"]', '[ "a" , "a" ]', '[[1,2],[3]]', '["a",""]', '[1]', '[]', '""'],
  input: [
    '"hi"',
    '[{"role":"user","content":[{"type":"input_text","text":"hi"}]}]',
    `[{"role":"user","content":[{"type":"input_image","image_url":"${png(2, 2)}","file_id":null}]}]`,
  ],
  stream: ['true', 'false', 'null'],
  stream_options: ['{}', '{ "include_usage" : true }', '{"include_usage":false,"include_obfuscation":true}', 'null'],
  max_tokens: ['7', 'null', '100', '101'],
  max_completion_tokens: ['7', 'null', '8'],
  max_output_tokens: ['7', 'null'],
  n: ['1', '2', 'null'],
  store: ['false', 'null'],
  tools: [
    '[]',
    '[{"type":"function","function":{"name":"f","parameters":{"a":[{}]}}}]',
    '[{"type":"function","name":"f"}]',
  ],
  temperature: ['0.5', '1e0'],
  stop: ['"a"', '["a"]'],
  metadata: ['{"a":"b"}'],
  dimensions: ['8', 'null'],
  encoding_format: ['"float"', '"base64"'],
  user: ['"u"'],
};

/** The text of a request: from one that a client would send to one that is no JSON. */
export function requestText(taskKind: TaskKind): fc.Arbitrary<string> {
  const { fields, input } = kinds[taskKind];
  const keys = [...Object.keys(fields), 'n_predict', 'options', 'guided_json', 'constructor', '__proto__'];
  const member = (key: string): fc.Arbitrary<string> =>
    fc
      .tuple(
        spelled(key),
        space,
        fc.oneof(
          { weight: 4, arbitrary: fc.constantFrom(...(Object.hasOwn(sound, key) ? (sound[key] ?? []) : ['null'])) },
          nested,
        ),
      )
      .map(([name, gap, value]) => `${name}${gap}:${value}`);
  const whole = fc.constantFrom(...(sound[taskKind] ?? sound[input] ?? []));
  const often = Object.keys(sound).filter((key) => keys.includes(key) && key !== 'model' && key !== input);
  const some = fc.uniqueArray(fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...often) }, fc.constantFrom(...keys)), {
    maxLength: 6,
  });
  const members = some
    .chain((list) => fc.tuple(whole, ...list.map(member)))
    .chain(([value, ...list]) =>
      fc.shuffledSubarray(['"model":"m"', `"${input}":${value}`, ...list], { minLength: list.length + 2 }),
    );
  return fc.oneof(
    { weight: 6, arbitrary: joined('{', members, '}') },
    joined('{', fc.array(fc.constantFrom(...keys).chain(member), { maxLength: 6 }), '}'),
    nested,
  );
}

export { nested as oddJson };
