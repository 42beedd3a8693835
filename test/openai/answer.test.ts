import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { answerFilter, brokenStreamEvent } from '../../src/openai/answer.ts';
import type { AnswerOptions } from '../../src/openai/answer.ts';
import { oddAnswers } from './odd-answers.ts';

const fixture = (name: string): Buffer => readFileSync(join(import.meta.dirname, '..', 'fixtures', 'openai', name));
const chat = { taskKind: 'openai.chat_completions.v1', stream: true, usageWanted: true } as const;
const chatWithoutUsage = { ...chat, usageWanted: false };
const responses = { taskKind: 'openai.responses.v1', stream: true, usageWanted: true } as const;

/** Pushes `bytes` cut at the given places, through one buffer that is overwritten like a network's. */
function run(options: AnswerOptions, bytes: Uint8Array, cuts: readonly number[] = []) {
  const filter = answerFilter(options);
  const outputs: Buffer[] = [];
  const ends = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  const buffer = new Uint8Array(bytes.length);
  let from = 0;
  for (const to of [...ends, bytes.length]) {
    buffer.set(bytes.subarray(from, to));
    for (const output of filter.push(buffer.subarray(0, to - from))) outputs.push(Buffer.from(output));
    buffer.fill(0);
    from = to;
  }
  const { outputs: rest, ...end } = filter.end();
  outputs.push(...rest.map((output) => Buffer.from(output)));
  return { text: Buffer.concat(outputs).toString(), end };
}

/** What the buyer's bytes must be: the events without the usage chunk. */
const withoutUsageChunk = (text: string): string =>
  text.replace(/data: \{[^\n]*"choices":\[\],"usage":\{[^\r\n]*\r?\n\r?\n/, '');

describe('the filter between backend and buyer', () => {
  test.each(['ollama-chat.sse', 'openai-chat.sse', 'crlf-chat.sse'])(
    'takes the usage chunk that we asked for out of %s, wherever the network cuts',
    (name) => {
      const bytes = fixture(name);
      const expected = withoutUsageChunk(bytes.toString());
      expect(expected.length).toBeLessThan(bytes.length);
      fc.assert(
        fc.property(fc.array(fc.nat()), (cuts) => {
          const { text, end } = run(chatWithoutUsage, bytes, cuts);
          expect(text).toBe(expected);
          expect(end.complete).toBe(true);
          expect(end.usage?.inputTokens).toBeGreaterThan(0);
        }),
      );
      expect(run(chatWithoutUsage, bytes, [...bytes.keys()]).text).toBe(expected);
    },
  );

  test.each([
    ['ollama-chat.sse', chat],
    ['crlf-chat.sse', chat],
    ['responses.sse', responses],
    ['responses.sse', { ...responses, usageWanted: false }],
    ['chat.json', { ...chat, stream: false }],
  ])('passes every byte of %s at once when nothing is to be taken out', (name, options) => {
    const bytes = fixture(name);
    fc.assert(
      fc.property(fc.array(fc.nat()), (cuts) => {
        expect(run(options, bytes, cuts).text).toBe(bytes.toString());
      }),
    );
    const filter = answerFilter(options);
    for (const byte of bytes) expect(Buffer.concat(filter.push(Uint8Array.of(byte)))).toEqual(Buffer.of(byte));
    expect(filter.end().outputs).toEqual([]);
  });

  test('lets bytes go as soon as they can not be the usage chunk any more', () => {
    const filter = answerFilter(chatWithoutUsage);
    const start = Buffer.from('data: {"id":"x","choices":[');
    expect(filter.push(start)).toEqual([]);
    expect(Buffer.concat(filter.push(Buffer.from('{"index":0'))).toString()).toBe(`${start.toString()}{"index":0`);
    expect(Buffer.concat(filter.push(Buffer.from(',"delta":{'))).toString()).toBe(',"delta":{');
  });

  test('lets a comment go at once and keeps events that only look like the usage chunk', () => {
    const filter = answerFilter(chatWithoutUsage);
    expect(Buffer.concat(filter.push(Buffer.from(': waiting\n'))).toString()).toBe(': waiting\n');
    const others = [
      '{"choices":[],"prompt_filter_results":[]}',
      '{"choices":[],"usage":null}',
      '{"usage":{"prompt_tokens":1,"completion_tokens":1}}',
      '[]',
      'x',
    ];
    const text = others.map((data) => `data: ${data}\n\n`).join('');
    expect(run(chatWithoutUsage, Buffer.from(text)).text).toBe(text);
  });

  test('does not hold an event that is longer than any usage chunk', () => {
    const text = `data: {"padding":"${'x'.repeat(200_000)}","choices":[],"usage":{}}\n\n`;
    const filter = answerFilter(chatWithoutUsage);
    expect(Buffer.concat(filter.push(Buffer.from(text.slice(0, 100_000)))).length).toBe(100_000);
    expect(run(chatWithoutUsage, Buffer.from(text), [40_000, 80_000]).text).toBe(text);
  });

  test('any stream whatever passes unchanged but for a usage chunk, and is never reordered', () => {
    const line = fc.constantFrom(
      'data: {"choices":[{"delta":{"content":"a"}}]}',
      'data: {"choices":[],',
      'data: "usage":{"prompt_tokens":1}}',
      'data',
      'id: 1',
      ': c',
      '',
      '',
      'data:[DONE]',
    );
    const ending = fc.constantFrom('\n', '\r\n', '\r');
    fc.assert(
      fc.property(fc.array(fc.tuple(line, ending)), fc.array(fc.nat()), (lines, cuts) => {
        const bytes = Buffer.from(lines.map((parts) => parts.join('')).join(''));
        const whole = run(chatWithoutUsage, bytes);
        expect(run(chatWithoutUsage, bytes, cuts)).toEqual(whole);
        expect(run(chat, bytes, cuts).text).toBe(bytes.toString());
        if (!bytes.toString().includes('usage')) expect(whole.text).toBe(bytes.toString());
      }),
      { numRuns: 500 },
    );
  });

  test('events that come whole are read as those that come byte by byte are', () => {
    const token = (text: string, rest = '') => `data: {"id":"1","choices":[{"delta":{"content":"${text}"}}]${rest}}`;
    const text = fc.oneof(
      fc.constantFrom(
        '',
        'a',
        ' b',
        'é',
        '\\n',
        '\\"',
        '\\\\',
        '"',
        '\\',
        '"}}],"usage":{"prompt_tokens":1},"a":[{"b":{"c":"',
      ),
      fc.constantFrom('\r\rdata: [DONE]\r\r'),
    );
    const event = fc.oneof(
      { weight: 4, arbitrary: text.map((value) => token(value)) },
      text.map((value) => token(value, ',"usage":null')),
      text.map((value) => token(value, ',"usage":{"prompt_tokens":3,"completion_tokens":5}')),
      text.map((value) => token(value, ',"error":"x"')),
      fc.constantFrom(
        'data: {"choices":[{"delta":{"content":"a","reasoning":"b"}}]}',
        'data: {"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"x"}}]}}]}',
        'data: {"choices":[{"delta":{"role":"assistant","content":""}}]}',
        'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":5}}',
        'data: [DONE]',
        ': c',
      ),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 12 }), (events) => {
        const bytes = Buffer.from(events.map((one) => `${one}\n\n`).join(''));
        const cuts = Array.from(bytes, (_, at) => at);
        for (const options of [chat, chatWithoutUsage]) expect(run(options, bytes)).toEqual(run(options, bytes, cuts));
      }),
      { numRuns: 1000 },
    );
  });

  test.each(oddAnswers.map((sent) => [sent.slice(0, 60), sent]))(
    'decides by the bytes alone, not by their cuts, on %j',
    (_, sent) => {
      const bytes = Buffer.from(sent);
      const whole = run(chatWithoutUsage, bytes);
      expect(run(chatWithoutUsage, bytes, [...bytes.keys()])).toEqual(whole);
      expect(run(chat, bytes, [...bytes.keys()]).text).toBe(sent);
      for (let cut = 1; cut < Math.min(bytes.length, 200); cut++)
        expect(run(chatWithoutUsage, bytes, [cut])).toEqual(whole);
    },
  );

  test('a key that stands twice, or is none, keeps an event in the stream; a long comment before it does not', () => {
    const usage = 'data: {"choices":[],"usage":{"prompt_tokens":1}}\n\n';
    const others = [usage.replace('"choices"', '"choices"#'), usage.replace('[]', '5,"choices":[]')];
    for (const text of others) expect(run(chatWithoutUsage, Buffer.from(text)).text).toBe(text);
    const comment = `: ${'x'.repeat(70_000)}\n`;
    expect(run(chatWithoutUsage, Buffer.from(comment + usage), [70_000]).text).toBe(comment);
  });
});

describe('what the filter learns', () => {
  test('usage and counts of a chat', () => {
    expect(run(chat, fixture('ollama-chat.sse')).end).toMatchObject({
      complete: true,
      failed: false,
      usage: { inputTokens: 31, outputTokens: 4 },
      producedTokens: 3,
    });
    expect(run(chat, fixture('openai-chat.sse')).end.usage).toEqual({
      inputTokens: 120,
      outputTokens: 7,
      cachedInputTokens: 64,
    });
    expect(run(chat, fixture('crlf-chat.sse')).end.producedTokens).toBe(2);
  });

  test('usage of a response comes with its last event', () => {
    const end = run(responses, fixture('responses.sse'), [100, 500, 900]).end;
    expect(end).toMatchObject({
      complete: true,
      usage: { inputTokens: 11, outputTokens: 2, cachedInputTokens: 3 },
      producedTokens: 2,
    });
  });

  test('usage of a JSON answer, and that a cut one is not complete', () => {
    const bytes = fixture('chat.json');
    expect(run({ ...chat, stream: false }, bytes, [7, 99]).end).toMatchObject({
      complete: true,
      usage: { inputTokens: 31, outputTokens: 4 },
    });
    expect(run({ ...chat, stream: false }, bytes.subarray(0, 200)).end.complete).toBe(false);
  });

  test.each([
    [chat, '{"choices":[{"delta":{"content":"four words of it."}}]}', 5],
    [chat, '{"choices":[{"delta":{"reasoning":"12345678"}},{"delta":{"content":"9"}}]}', 3],
    [chat, '{"choices":[{"delta":{"tool_calls":[{"function":{"name":"f","arguments":"{\\"a\\":12345}"}}]}}]}', 3],
    [chat, '{"choices":[{"delta":{"function_call":{"arguments":"12345"}}}]}', 2],
    [chat, '{"choices":[{"delta":{"content":"\\n\\n\\u00e9\\\\"}}]}', 1],
    [responses, '{"type":"response.output_text.delta","delta":"four words of it."}', 5],
  ])('an event with more text than a token has counts by its text, however it comes: %#', (options, data, tokens) => {
    const bytes = Buffer.from(`data: ${data}\n\n`);
    expect(run(options, bytes).end.producedTokens).toBe(tokens);
    expect(run(options, bytes, [...bytes.keys()]).end.producedTokens).toBe(tokens);
  });

  test('a stream without its last event is not complete and is charged by our own count', () => {
    const { end } = run(chatWithoutUsage, fixture('cut-chat.sse'));
    expect(end).toMatchObject({ complete: false, producedTokens: 3 });
    expect(end.usage).toBeUndefined();
    const cut = fixture('responses.sse').toString().split('event: response.completed')[0] ?? '';
    expect(run(responses, Buffer.from(cut)).end.complete).toBe(false);
  });

  test('usage of 0 tokens beside content is not believed', () => {
    const text =
      'data: {"choices":[{"delta":{"content":"a"}}]}\n\ndata: {"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":0}}\n\ndata: [DONE]\n\n';
    expect(run(chat, Buffer.from(text)).end.usage).toBeUndefined();
  });

  test('an error that the backend tells ends the answer as failed', () => {
    expect(run(chat, Buffer.from('data: {"error":{"message":"boom"}}\n\n')).end).toMatchObject({
      complete: true,
      failed: true,
    });
    expect(run(responses, Buffer.from('data: {"type":"response.failed","response":{}}\n\n')).end).toMatchObject({
      complete: true,
      failed: true,
    });
    expect(run(responses, Buffer.from('data: {"type":"response.incomplete","response":{}}\n\n')).end).toMatchObject({
      complete: true,
      failed: false,
    });
  });

  test('a broken stream ends with an event that says so', () => {
    const chatEvent = Buffer.from(brokenStreamEvent('openai.chat_completions.v1', 'gone')).toString();
    expect(run(chat, Buffer.from(`data: {"cut${chatEvent}`)).end.failed).toBe(true);
    expect(run(responses, brokenStreamEvent('openai.responses.v1', 'gone')).end.failed).toBe(true);
  });

  test('a large answer is not kept', () => {
    const filter = answerFilter({ ...chat, stream: false });
    const part = Buffer.from('x'.repeat(65_536));
    filter.push(Buffer.from('{"choices":[{"message":{"content":"'));
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 1000; i++) filter.push(part);
    filter.push(Buffer.from('"}}],"usage":{"prompt_tokens":1,"completion_tokens":2}}'));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(5_000_000);
    expect(filter.end()).toMatchObject({ complete: true, usage: { inputTokens: 1, outputTokens: 2 } });
  });
});
