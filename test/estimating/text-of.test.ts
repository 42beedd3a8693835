import { expect, test } from 'vitest';
import { textOf } from '../../src/estimating/ollama/text-of.ts';
import { checkRequest } from '../../src/openai/request.ts';

function textsOf(taskKind: 'openai.chat_completions.v1' | 'openai.responses.v1', body: object): string[] {
  const request = checkRequest(taskKind, Buffer.from(JSON.stringify({ model: 'm', ...body })), 'm', {
    maxOutputTokens: 10,
  });
  if ('refusal' in request) throw new Error(request.message);
  return textOf(request);
}

const parameters = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  type: 'object',
  additionalProperties: false,
  properties: {
    days: { type: 'integer', minimum: 1, maximum: 14 },
    where: {
      anyOf: [
        { type: 'string', pattern: '^x' },
        { type: 'object', properties: { zip: { format: 'zip' } } },
      ],
    },
  },
  required: ['days'],
};

test('of a tool, what Ollama keeps: its words, and of each property what its templates can write', () => {
  const kept =
    'weather Tells the weather days ' +
    '{"days":{"type":"integer"},"where":{"anyOf":[{"type":"string"},{"type":"object","properties":{"zip":{}}}]}}';
  const definition = { name: 'weather', description: 'Tells the weather', parameters };
  const chat = { messages: [{ role: 'user', content: 'hi' }], tools: [{ type: 'function', function: definition }] };
  expect(textsOf('openai.chat_completions.v1', chat)).toEqual(['user', 'hi', kept]);
  const tool = { type: 'function', ...definition };
  const grouped = { type: 'namespace', name: 'n', tools: [tool, { type: 'function', name: 'now' }] };
  expect(textsOf('openai.responses.v1', { input: 'hi', tools: [grouped] })).toEqual(['hi', `${kept}\nnow {}`]);
});

test('arguments of calls as they are written anew, and those that are no JSON as they are', () => {
  const calls = ['{ "a" : [1,  2.50] }', '{broken', 'plain'].map((json) => ({
    id: 'c',
    type: 'function',
    function: { name: 'f', arguments: json },
  }));
  const texts = textsOf('openai.chat_completions.v1', { messages: [{ role: 'assistant', tool_calls: calls }] });
  expect(texts.filter((text) => text.includes('a'))).toEqual(expect.arrayContaining(['{"a":[1,2.5]}', 'plain']));
  expect(texts).toContain('{broken');
});

test('signs in the arguments of calls as Go writes them in JSON', () => {
  const call = { id: 'c', type: 'function', function: { name: 'f', arguments: '{"a":"<b> & \u2028"}' } };
  const texts = textsOf('openai.chat_completions.v1', { messages: [{ role: 'assistant', tool_calls: [call] }] });
  expect(texts).toContain(String.raw`{"a":"\u003cb\u003e \u0026 \u2028"}`);
});
