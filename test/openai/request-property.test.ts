import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkRequest } from '../../src/openai/request.ts';
import type { TaskKind, UpstreamFill } from '../../src/openai/request.ts';

const CHAT = 'openai.chat_completions.v1';
const RESPONSES = 'openai.responses.v1';
const limits = { maxOutputTokens: 100, maxChoices: 4, allowedFields: ['xa', 'xb'] };

/** Top-level members of a JSON object, in their order and with those that stand twice. Only for what JSON.parse accepts. */
function membersOf(text: string): [string, unknown][] {
  const members: [string, unknown][] = [];
  // A reviver sees keys once; so each member is renamed by its position before parsing.
  let depth = 0;
  let position = 0;
  const renamed = text.replace(/"(?:[^"\\]|\\.)*"(\s*:)?|[[\]{}]/g, (token, colon: string | undefined) => {
    if (token === '{' || token === '[') depth++;
    else if (token === '}' || token === ']') depth--;
    else if (colon !== undefined && depth === 1) {
      members.push([JSON.parse(token.slice(0, token.lastIndexOf('"') + 1)) as string, undefined]);
      return `"${position++}":`;
    }
    return token;
  });
  const values = JSON.parse(renamed) as Record<string, unknown>;
  return members.map(([key], index) => [key, values[index]]);
}

/** As Go's encoding/json decodes into a struct: keys match without regard to case, the last one wins, null leaves what was there. */
function likeGo(text: string, fields: readonly string[]): Record<string, unknown> {
  const fold = (key: string): string => key.replaceAll('ſ', 's').replaceAll('\u212a', 'k').toLowerCase();
  const result: Record<string, unknown> = {};
  for (const [key, value] of membersOf(text)) {
    const field = fields.find((name) => name === key) ?? fields.find((name) => fold(name) === fold(key));
    if (field !== undefined && value !== null) result[field] = value;
  }
  return result;
}

const odd = (key: string) =>
  fc.oneof(
    { weight: 12, arbitrary: fc.constant(JSON.stringify(key)) },
    fc.constant(JSON.stringify(key.toUpperCase())),
    fc.constant(JSON.stringify(key.replace('s', 'ſ').replace('k', '\u212a'))),
    fc.constant(JSON.stringify(key).replace(key.charAt(0), `\\u00${key.charCodeAt(0).toString(16)}`)),
    fc.constant(JSON.stringify(key).replace('_', '\\u005f')),
  );
const number = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 5 }).map(String) },
  fc.constantFrom('null', '0', '101', '5.0', '1e1', '"5"', '-1', '9007199254740993', 'true', '[]'),
);
const member = (key: string, value: fc.Arbitrary<string>) =>
  fc.tuple(odd(key), value).map(([name, json]) => `${name}:${json}`);
const plain = (text: string) => fc.constant(text);
const other = fc
  .tuple(fc.constantFrom('a', 'b'), fc.jsonValue({ maxDepth: 2 }))
  .map(([key, value]) => `${JSON.stringify(`x${key}`)} : ${JSON.stringify(value, null, 1)}`);

const bodyOf = (needed: string, ...decisive: fc.Arbitrary<string>[]) =>
  fc
    .tuple(fc.array(fc.oneof(...decisive), { maxLength: 4 }), fc.array(other, { maxLength: 3 }))
    .chain(([some, others]) =>
      fc.shuffledSubarray([...some, ...others, needed, '"model":"m"'], { minLength: some.length + others.length + 2 }),
    )
    .map((members) => `{ ${members.join(' ,')}\n}`);

const kinds: readonly [TaskKind, fc.Arbitrary<string>][] = [
  [
    CHAT,
    bodyOf(
      '"messages":[{"role":"user","content":"hi"}]',
      member('max_tokens', number),
      member('max_completion_tokens', number),
      member('n', number),
      member('n_predict', number),
      member('stream', fc.constantFrom('true', 'false', 'null')),
      member(
        'stream_options',
        fc.constantFrom(
          'null',
          '{}',
          '{"include_usage":false}',
          '{ "include_obfuscation" : true }',
          '{"include_usage":true}',
        ),
      ),
    ),
  ],
  [
    RESPONSES,
    bodyOf(
      '"input":"hi"',
      member('max_output_tokens', number),
      member('store', plain('false')),
      member('max_tokens', number),
      member('stream', plain('true')),
    ),
  ],
];
const fills: fc.Arbitrary<UpstreamFill> = fc.record(
  {
    cap: fc.constantFrom('max_tokens', 'max_completion_tokens', 'both'),
    usage: fc.boolean(),
    model: fc.constantFrom('m', 'another', 'a "quoted" \\ ☃ name'),
  },
  { requiredKeys: ['cap', 'usage'] },
);
/** What the gate may fill in; all else stays as the buyer wrote it. */
const filled = new Set([
  'model',
  'max_tokens',
  'max_completion_tokens',
  'max_output_tokens',
  'stream_options',
  'store',
]);
const rest = (value: object): object => Object.fromEntries(Object.entries(value).filter(([key]) => !filled.has(key)));

test.each(kinds)(
  'whatever the body of %s, it is refused, or every decoder reads the cap and n that are priced',
  (taskKind, bodies) => {
    let sold = 0;
    fc.assert(
      fc.property(bodies, fills, (body, fill) => {
        const result = checkRequest(taskKind, new TextEncoder().encode(body), 'm', limits);
        if ('refusal' in result) return;
        sold++;
        const upstream = new TextDecoder().decode(result.upstreamBody(fill));
        const value = JSON.parse(upstream) as Record<string, unknown>;
        const keys = membersOf(upstream).map(([key]) => key);
        expect(new Set(keys).size).toBe(keys.length);
        const chatCaps = fill.cap === 'both' ? ['max_tokens', 'max_completion_tokens'] : [fill.cap];
        const caps = taskKind === CHAT ? chatCaps : ['max_output_tokens'];
        const decoded = likeGo(upstream, [
          'model',
          'n',
          'max_tokens',
          'max_completion_tokens',
          'max_output_tokens',
          'n_predict',
        ]);
        for (const read of [value, decoded]) {
          for (const cap of caps) expect(read[cap]).toBe(result.maxOutputTokensPerChoice);
          for (const cap of ['max_tokens', 'max_completion_tokens'])
            expect([undefined, null, result.maxOutputTokensPerChoice]).toContain(read[cap]);
          expect(read['n'] ?? 1).toBe(result.choices);
          expect(read['n_predict'] ?? undefined).toBeUndefined();
          expect(read['model']).toBe(fill.model ?? 'm');
        }
        expect(result.maxOutputTokens).toBe(result.maxOutputTokensPerChoice * result.choices);
        expect(rest(value)).toEqual(rest(JSON.parse(body) as object));
        const isAsked = taskKind === CHAT && result.stream && (fill.usage || result.usageWanted);
        if (isAsked) expect(value['stream_options']).toMatchObject({ include_usage: true });
        else expect(value['stream_options']).toEqual((JSON.parse(body) as { stream_options?: unknown }).stream_options);
      }),
      { numRuns: 3000 },
    );
    expect(sold).toBeGreaterThan(200);
  },
);
