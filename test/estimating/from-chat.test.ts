import { describe, expect, test } from 'vitest';
import { fromChat } from '../../src/estimating/ollama/from-chat.ts';
import type { ChatBody } from '../../src/estimating/ollama/from-chat.ts';

const call = (id: string, name: string) => ({ id, function: { name, arguments: '{"a":1}' } });
const messages = (body: ChatBody['messages']): unknown[] =>
  fromChat({ messages: body }, undefined).messages.map((message) => JSON.parse(message) as unknown);

describe('the chat that Ollama makes of a request', () => {
  test('calls of a message without parts go with the message before it', () => {
    expect(
      messages([
        { role: 'assistant', content: 'a' },
        { role: 'assistant', content: [], tool_calls: [call('1', 'f')] },
      ]),
    ).toMatchObject([{ content: 'a', tool_calls: [{ id: '1', function: { name: 'f', arguments: { a: 1 } } }] }]);
  });

  test('of an id that stands twice the name that was given last counts, for every tool message', () => {
    expect(
      messages([
        { role: 'assistant', content: '', tool_calls: [call('1', 'short')] },
        { role: 'tool', content: 'x', tool_call_id: '1' },
        { role: 'assistant', content: '', tool_calls: [call('1', 'a name of many words')] },
      ])[1],
    ).toMatchObject({ tool_name: 'a name of many words' });
  });

  test('each part is a message of its own, and the calls go with the last', () => {
    const parts = ['one', 'two'].map((text) => ({ type: 'text', text }));
    const [first, second] = messages([{ role: 'assistant', content: parts, tool_calls: [call('1', 'f')] }]);
    expect(first).toEqual({ role: 'assistant', content: 'one' });
    expect(second).toMatchObject({ content: 'two', tool_calls: [{ id: '1' }] });
  });
});
