import assert from 'node:assert/strict';
import fc from 'fast-check';
import { answerFilter } from '../../src/openai/answer.ts';
import type { AnswerOptions } from '../../src/openai/answer.ts';
import { taskKinds } from '../../src/openai/request.ts';
import { oddAnswers } from '../openai/odd-answers.ts';
import { mutated, pieces } from './arbitrary-bytes.ts';
import { oddJson } from './arbitrary-json.ts';
import { law } from './law.ts';

const usage = fc
  .tuple(fc.nat({ max: 50 }), fc.nat({ max: 50 }))
  .map(([prompt, completion]) => `{"prompt_tokens":${prompt},"completion_tokens":${completion}}`);
const vectors = usage.map(
  (figures) => `{"object":"list","data":[{"embedding":[0.1,-1e-3]},{"embedding":"AAAA"}],"usage":${figures}}`,
);
const delta = oddJson.map((value) => `{"choices":[{"delta":{"content":${value}}}],"usage":null}`);
/** An object whose keys may stand there twice. */
const members = (keys: readonly string[], value: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .array(
      fc
        .tuple(fc.constantFrom(...keys), fc.constantFrom('', ' '), value)
        .map(([key, gap, text]) => `"${key}"${gap}:${text}`),
      { maxLength: 4 },
    )
    .map((list) => `{${list.join()}}`);
const oddCall = fc.constantFrom(
  '[{"function":{"arguments":"abcde"}}]',
  '{"*":{"function":{"arguments":"abcde"}}}',
  '{"arguments":"abcde"}',
);
const text = fc.constantFrom('"a"', '""', '"abcde"', '"\\n"', 'null', '1', '[1]', '{}');
const deltaKeys = [
  'content',
  'content',
  'c\\u006fntent',
  'reasoning',
  'refusal',
  'tool_calls',
  'function_call',
  'logprobs',
];
const choice = members(['delta', 'delta', 'index', '\ufeffdelta'], members(deltaKeys, fc.oneof(text, oddCall)));
const choices = fc.array(choice, { maxLength: 3 }).map((list) => `[${list.join()}]`);
const oddChunk = members(['choices', 'choices', 'usage', 'error', '*', 'a'], fc.oneof(choices, choices, usage, text));
const shard = fc.oneof(
  fc.constantFrom('{', '}', '[', ']', ',', ':', '#', '"', '\\', ' ', '1', 'null', '*', '"a"', '[]', '{}', '[{}]'),
  fc.constantFrom('"choices"', '"choices":[]', '"usage"', '"error"'),
  usage.map((figures) => `"usage":${figures}`),
);
const brokenChunk = fc.array(shard, { maxLength: 8 }).map((shards) => `{${shards.join('')}`);
const data = fc.oneof(
  delta,
  oddChunk,
  brokenChunk,
  fc.constant('{"choices":[{"delta":{"content":"a"}}]}'),
  usage.map((figures) => `{"id":"x","choices":[],"usage":${figures}}`),
  usage.map((figures) => `{"usage":${figures},"choices":[ ]}`),
  fc.constantFrom(
    '[DONE]',
    '{"error":{"message":"x"}}',
    '{"type":"response.output_text.delta","delta":"a"}',
    '{"choices":[',
  ),
  fc.constant('{"type":"response.completed","response":{"usage":{"input_tokens":1,"output_tokens":2}}}'),
  oddJson,
);
const ending = fc.constantFrom('\n', '\n', '\r\n', '\r');
const line = fc.oneof(
  { weight: 5, arbitrary: data.map((json) => `data: ${json.replaceAll(/[\r\n]/g, '')}`) },
  fc.constantFrom('', '', ': comment', 'event: x', 'id: 1', 'data', 'data:', 'data:  {'),
);
const sse = fc
  .array(fc.tuple(line, ending, fc.boolean()), { maxLength: 12 })
  .map((lines) => lines.map(([text, end, isLast]) => `${text}${end}${isLast ? end : ''}`).join(''));
const whole = fc.oneof(
  sse,
  vectors,
  fc.tuple(oddJson, usage).map(([json, figures]) => `{"choices":[{"message":{"content":${json}}}],"usage":${figures}}`),
);
const bytes = whole.map((text) => new TextEncoder().encode(text));
const answer = fc.tuple(
  fc.record<AnswerOptions>({
    taskKind: fc.constantFrom(...taskKinds),
    stream: fc.boolean(),
    usageWanted: fc.boolean(),
  }),
  fc.oneof({ weight: 4, arbitrary: bytes }, mutated(bytes), fc.uint8Array({ maxLength: 100 })),
  fc.array(fc.nat({ max: 5_000 }), { maxLength: 20 }),
);

const chatWithoutUsage: AnswerOptions = {
  taskKind: 'openai.chat_completions.v1',
  stream: true,
  usageWanted: false,
};

/** Pushes the pieces through one buffer that is overwritten, as a network's is. */
function run(options: AnswerOptions, parts: readonly Uint8Array[]) {
  const filter = answerFilter(options);
  const outputs: Buffer[] = [];
  for (const part of parts) {
    const network = Uint8Array.from(part);
    for (const output of filter.push(network)) outputs.push(Buffer.from(output));
    network.fill(0);
  }
  const { outputs: rest, ...end } = filter.end();
  return { output: Buffer.concat([...outputs, ...rest]).toString('latin1'), end };
}

export const answerLaws = [
  law(
    'answers',
    'an answer is the same bytes and the same usage, wherever the network cuts it',
    answer,
    ([options, given, cuts]) => {
      const atOnce = run(options, [given]);
      assert.deepEqual(run(options, pieces(given, cuts)), atOnce);
      assert.deepEqual(
        run(
          options,
          [...given].map((byte) => Uint8Array.of(byte)),
        ),
        atOnce,
      );
    },
    1_000,
    oddAnswers.map((sent) => [chatWithoutUsage, new TextEncoder().encode(sent), []]),
  ),
  law(
    'answers',
    'bytes are only ever taken out of a chat stream whose buyer did not ask for usage',
    answer,
    (given) => {
      const [options, sent, cuts] = given;
      const { output } = run(options, pieces(sent, cuts));
      const text = Buffer.from(sent).toString('latin1');
      if (options.usageWanted || !options.stream || options.taskKind !== 'openai.chat_completions.v1')
        return assert.equal(output, text);
      if (!text.includes('usage')) assert.equal(output, text);
      let at = 0;
      for (const character of output) {
        at = text.indexOf(character, at) + 1;
        assert.ok(at > 0, 'a byte that was not sent');
      }
    },
  ),
];
