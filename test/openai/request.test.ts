import { describe, expect, test } from 'vitest';
import { checkRequest, checkRequestInSteps } from '../../src/openai/request.ts';
import { bodyForModel } from '../../src/openai/upstream-body.ts';
import type { CheckedRequest, RequestLimits, TaskKind, UpstreamFill } from '../../src/openai/request.ts';
import { png } from './images.ts';

const CHAT = 'openai.chat_completions.v1';
const RESPONSES = 'openai.responses.v1';
const limits: RequestLimits = { maxOutputTokens: 4096, maxChoices: 4 };
const hello = { model: 'm', messages: [{ role: 'user', content: 'hello' }] };
const bytes = (body: unknown): Uint8Array =>
  new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body));
const check = (body: unknown, kind: TaskKind = CHAT, given = limits) => checkRequest(kind, bytes(body), 'm', given);

function refusal(body: unknown, kind: TaskKind = CHAT): string {
  const result = check(body, kind);
  if (!('refusal' in result)) throw new Error(`was not refused: ${JSON.stringify(body)}`);
  expect(result.refusal).toBe('unsupported-params');
  return result.message;
}

function checked(body: unknown, kind: TaskKind = CHAT, given = limits): CheckedRequest {
  const result = check(body, kind, given);
  if ('refusal' in result) throw new Error(result.message);
  return result;
}

const upstream = (body: unknown, fill: Partial<UpstreamFill> = {}, kind: TaskKind = CHAT): string =>
  new TextDecoder().decode(checked(body, kind).upstreamBody({ cap: 'max_tokens', usage: true, ...fill }));

describe('what is refused', () => {
  test.each([
    ['no JSON', '{"model":"m",'],
    ['no object', '[1]'],
    ['another model', { ...hello, model: 'other' }],
    ['no messages', { model: 'm' }],
    ['empty messages', { model: 'm', messages: [] }],
    ['messages that are no array', { model: 'm', messages: 'hello' }],
    ['a message that is no object', { model: 'm', messages: ['hello'] }],
    ['a key twice', '{"model":"m","messages":[{}],"max_tokens":5,"max_tokens":6}'],
    ['a key twice, escaped', '{"model":"m","messages":[{}],"max_tokens":5,"\\u006dax_tokens":6}'],
    ['n of 0', { ...hello, n: 0 }],
    ['n above the limit', { ...hello, n: 5 }],
    ['a stream that is no flag', { ...hello, stream: 'true' }],
    ['caps that differ', { ...hello, max_tokens: 5, max_completion_tokens: 6 }],
    ['store', { ...hello, store: true }],
    ['stream_options that is no object', { ...hello, stream: true, stream_options: [] }],
    ['include_usage that is no flag', { ...hello, stream: true, stream_options: { include_usage: 1 } }],
    ['include_usage in capitals', { ...hello, stream: true, stream_options: { Include_Usage: true } }],
    [
      'usage in every chunk without usage',
      { ...hello, stream: true, stream_options: { continuous_usage_stats: true } },
    ],
    ['a dearer tier', { ...hello, service_tier: 'priority' }],
    ['logprobs without end', { ...hello, top_logprobs: 100_000 }],
    ['a tool that the server runs', { ...hello, tools: [{ type: 'mcp', server_url: 'http://10.0.0.1' }] }],
    ['such a tool in a namespace', { ...hello, tools: [{ type: 'namespace', tools: [{ type: 'code_interpreter' }] }] }],
  ])('%s', (_name, body) => expect(refusal(body)).toBeTruthy());

  test.each([0, -1, 4097, 1.5, '100', true, [], 2 ** 53])('max_tokens of %j', (cap) => {
    expect(refusal({ ...hello, max_tokens: cap })).toBe(
      '"max_tokens" must be a whole number from 1 to 4096, in plain digits',
    );
    expect(refusal({ ...hello, max_completion_tokens: cap })).toContain('max_completion_tokens');
    expect(refusal({ model: 'm', input: 'x', max_output_tokens: cap }, RESPONSES)).toContain('max_output_tokens');
  });

  test.each(['1e2', '100.0', '1E+2', '-0', '100000000000000000000'])(
    'a cap written as %s, which servers read differently',
    (cap) => {
      expect(refusal(`{"model":"m","messages":[{}],"max_tokens":${cap}}`)).toContain('plain digits');
    },
  );

  test.each([
    'Max_Tokens',
    'max_tokenſ',
    'maxTokens',
    'max-tokens',
    'max_tokens\u0000',
    'MODEL',
    'N',
    'ſtream',
    '\u212aeep_alive',
    'N_Predict',
    'Best_Of',
  ])('the key %j, which some servers take for another', (key) =>
    expect(refusal({ ...hello, [key]: 5 })).toContain('spelled'),
  );

  test.each([
    'n_predict',
    'num_predict',
    'best_of',
    'n_cmpl',
    'use_beam_search',
    'options',
    'keep_alive',
    'num_ctx',
    'lora',
    'id_slot',
    'chat_template',
    'prompt_logprobs',
    'kv_transfer_params',
    'extra_body',
    'priority',
    'prediction',
    'max_output_tokens',
    'input',
  ])('the key %s, by name', (key) => {
    expect(refusal({ ...hello, [key]: 5 })).toContain(`"${key}" is not sold here: `);
    expect(check({ ...hello, [key]: null })).not.toHaveProperty('refusal');
  });

  test.each([
    { background: true },
    { previous_response_id: 'resp_1' },
    { conversation: 'c' },
    { prompt: { id: 'p' } },
    { store: true },
    { n: 2 },
    { max_tokens: 5 },
    { input: [{ type: 'item_reference', id: 'x' }] },
    { input: '' },
    { input: [] },
    { input: null },
  ])('a response that outlives its request or is no text: %j', (fields) =>
    expect(refusal({ model: 'm', input: 'hello', ...fields }, RESPONSES)).toBeTruthy(),
  );

  test('images, audio and files, wherever they stand', () => {
    const parts = [
      { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } },
      { type: 'input_audio', input_audio: { data: 'AA==', format: 'wav' } },
      { type: 'file', file: { file_id: 'f' } },
      { image_url: 'http://10.0.0.1/' },
    ];
    for (const part of parts)
      expect(refusal({ model: 'm', messages: [{ role: 'user', content: [part] }] })).toContain(
        'messages[0].content[0]',
      );
    const output = {
      type: 'function_call_output',
      call_id: 'c',
      output: [{ type: 'input_image', image_url: 'data:image/png;base64,AA==' }],
    };
    expect(refusal({ model: 'm', input: [output] }, RESPONSES)).toContain('images are not sold here');
  });

  test('addresses of images, even where images are sold', () => {
    const ask = (url: string) =>
      check({ model: 'm', messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }] }, CHAT, {
        ...limits,
        allowImages: true,
      });
    expect(ask(png(1, 1))).toMatchObject({ images: { count: 1, bytes: png(1, 1).length } });
    for (const url of ['http://10.0.0.1/', 'file:///etc/passwd', 'data:text/html,x'])
      expect(ask(url)).toHaveProperty('refusal');
  });

  test('an unknown task kind, as such', () => {
    expect(checkRequest('openai.images.v1', bytes(hello), 'm', limits)).toMatchObject({ refusal: 'unsupported-task' });
  });

  test('no message echoes the prompt', () => {
    const secret = 'XYZZY';
    const bodies = [
      `{"model":"m","messages":[{"content":"${secret}`,
      { ...hello, model: secret },
      { ...hello, max_tokens: secret },
      { model: 'm', messages: [secret] },
      { ...hello, stream: secret },
    ];
    for (const body of bodies) expect(refusal(body)).not.toContain(secret);
  });
});

describe('what is passed on', () => {
  test('a body that leaves nothing open, byte for byte', () => {
    const body =
      ' {"seed" : 12345678901234567890,"messages":[{"role":"user","content":"\\u0068i ₿"}], "max_tokens":7,\n"model":"m"}\n';
    expect(upstream(body)).toBe(body);
  });

  test('the cap where there is none, every other byte as it came', () => {
    expect(upstream('{"model":"m", "messages":[{"content":"₿"}] ,"seed":1e4 }')).toBe(
      '{"model":"m", "messages":[{"content":"₿"}] ,"seed":1e4,"max_tokens":4096 }',
    );
    expect(upstream('{"max_tokens":null,"model":"m","messages":[{}]}')).toBe(
      '{"max_tokens":4096,"model":"m","messages":[{}]}',
    );
    expect(upstream('{"model":"m","input":"x"}', {}, RESPONSES)).toBe(
      '{"model":"m","input":"x","max_output_tokens":4096,"store":false}',
    );
  });

  test("the buyer's cap in the field that the backend obeys", () => {
    const body = '{"model":"m","max_completion_tokens":9,"messages":[{}]}';
    expect(upstream(body)).toBe('{"model":"m","max_tokens":9,"messages":[{}]}');
    expect(upstream(body, { cap: 'max_completion_tokens' })).toBe(body);
    expect(JSON.parse(upstream(body, { cap: 'both' }))).toMatchObject({ max_tokens: 9, max_completion_tokens: 9 });
  });

  test('a wish for usage where a streamed chat has none', () => {
    const options = (body: object, fill: Partial<UpstreamFill> = {}): unknown =>
      (JSON.parse(upstream({ ...hello, stream: true, ...body }, fill)) as { stream_options?: unknown }).stream_options;
    expect(options({})).toEqual({ include_usage: true });
    expect(options({ stream_options: null })).toEqual({ include_usage: true });
    expect(options({ stream_options: {} })).toEqual({ include_usage: true });
    expect(options({ stream_options: { include_obfuscation: false } })).toEqual({
      include_obfuscation: false,
      include_usage: true,
    });
    expect(options({ stream_options: { include_usage: false } })).toEqual({ include_usage: true });
    expect(options({}, { usage: false })).toBeUndefined();
    expect(options({ stream: false })).toBeUndefined();
    expect(checked({ ...hello, stream: true }).usageWanted).toBe(false);
    expect(checked({ ...hello, stream: true, stream_options: { include_usage: true } }).usageWanted).toBe(true);
  });

  test('what real clients send', () => {
    const codex = {
      model: 'm',
      instructions: 'You are',
      input: [
        { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'hi' }] },
        { type: 'function_call', name: 'f', arguments: '{"image_url":"x"}', call_id: 'c' },
      ],
      tools: [
        { type: 'function', name: 'f', parameters: { type: 'object', properties: { file: { type: 'string' } } } },
        { type: 'namespace', name: 'n', tools: [{ type: 'function', name: 'g' }] },
        { type: 'web_search' },
      ],
      tool_choice: 'auto',
      parallel_tool_calls: true,
      reasoning: { effort: 'medium' },
      store: false,
      stream: true,
      include: ['reasoning.encrypted_content'],
      prompt_cache_key: 'k',
      client_metadata: { a: 'b' },
    };
    const withSearch = { ...limits, allowedToolTypes: ['web_search'] };
    expect(checked(codex, RESPONSES, withSearch)).toMatchObject({
      stream: true,
      usageWanted: true,
      choices: 1,
      maxOutputTokens: 4096,
      shape: { system: 1, user: 1, assistant: 1, tool: 0, tools: 3 },
    });
    const langchain = {
      ...hello,
      messages: [{ role: 'assistant', content: null, audio: null, function_call: null, tool_calls: [] }],
      temperature: 0.2,
      n: 1,
      response_format: { type: 'json_object' },
      think: false,
      top_k: 40,
    };
    expect(checked(langchain)).toMatchObject({ stream: false, choices: 1 });
  });

  test('all text that can reach the model, for the estimators', () => {
    const { promptText } = checked(
      {
        ...hello,
        messages: [{ role: 'user', name: 'a', content: [{ type: 'text', text: 'b' }] }],
        tools: [{ type: 'function' }],
        documents: [{ text: 'c' }],
        user: 'me',
      },
      CHAT,
      { ...limits, allowedFields: ['documents'] },
    );
    expect(promptText).toEqual(['user', 'a', 'text', 'b', '[{"type":"function"}]', '[{"text":"c"}]']);
  });

  test('what each text is in the chat, and the shape of the chat, for templates that write each in its own way', () => {
    const call = { id: 'c1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } };
    const { promptText, promptParts, shape } = checked({
      ...hello,
      messages: [
        { role: 'system', content: 'first' },
        { role: 'developer', content: 'by the developer' },
        { role: 'system', content: 'last' },
        {
          role: 'user',
          name: 'ann',
          content: [
            { type: 'text', text: 'one' },
            { type: 'text', text: 'two' },
          ],
        },
        { role: 'user', content: 'again' },
        { role: 'assistant', reasoning_content: 'hm', content: 'I look', tool_calls: [call] },
        { role: 'tool', tool_call_id: 'c1', content: 'found' },
        { role: 'assistant', content: ' <think>no</think> so', tool_calls: [] },
        {
          role: 'assistant',
          content: null,
          tool_calls: [
            { ...call, id: 'c2' },
            { ...call, id: 'c3' },
          ],
        },
      ],
      tools: [{ type: 'function', function: { name: 'f' } }],
      response_format: { type: 'json_object' },
      reasoning_effort: 'none',
    });
    const textsOf = (part: string) => promptText.filter((_, at) => promptParts[at] === part);
    expect(promptParts).toHaveLength(promptText.length);
    expect(textsOf('earlier-system')).toEqual(['first']);
    expect(textsOf('system')).toEqual(['last']);
    expect(textsOf('developer')).toEqual(['by the developer']);
    expect(textsOf('user')).toEqual(['one', 'two', 'again']);
    expect(textsOf('assistant')).toEqual([' so']);
    expect(textsOf('thoughts')).toEqual([' <think>no</think>']);
    expect(textsOf('beside-call')).toEqual(['I look']);
    expect(textsOf('reasoning')).toEqual(['hm']);
    expect(textsOf('call-beside')).toEqual(['f', '{"a":1}']);
    expect(textsOf('call')).toEqual(['f', '{"a":1}', 'f', '{"a":1}']);
    expect(textsOf('tool')).toEqual(['found']);
    expect(textsOf('tools')).toEqual(['[{"type":"function","function":{"name":"f"}}]']);
    expect(textsOf('format')).toEqual(['{"type":"json_object"}']);
    expect(textsOf('beside')).toEqual(['ann', 'c1', 'function', 'c1', 'c2', 'function', 'c3', 'function']);
    expect(shape).toEqual({
      system: 3,
      developer: 1,
      user: 2,
      assistant: 3,
      tool: 1,
      tools: 1,
      joined: 2,
      pieces: 1,
      calls: 3,
      last: 'assistant',
      thinking: 'off',
    });
  });

  test('the parts of a response', () => {
    const { promptText, promptParts, shape } = checked(
      {
        model: 'm',
        max_output_tokens: 9,
        instructions: 'be brief',
        input: [
          { role: 'user', content: [{ type: 'input_text', text: 'hi' }] },
          { type: 'reasoning', summary: [{ type: 'summary_text', text: 'hm' }] },
          { type: 'function_call', name: 'f', arguments: '{}', call_id: 'c' },
          { type: 'function_call_output', call_id: 'c', output: 'found' },
        ],
      },
      RESPONSES,
    );
    const parts = promptText.map((text, at) => [promptParts[at], text]).filter(([part]) => part !== 'role');
    expect(parts).toEqual([
      ['user', 'hi'],
      ['reasoning', 'hm'],
      ['call', 'f'],
      ['call', '{}'],
      ['beside', 'c'],
      ['beside', 'c'],
      ['tool', 'found'],
      ['system', 'be brief'],
    ]);
    expect(shape).toMatchObject({ system: 1, user: 1, assistant: 2, tool: 1, calls: 1, last: 'tool' });
  });

  test('the price of n choices', () => {
    expect(checked({ ...hello, n: 3, max_tokens: 10 })).toMatchObject({
      choices: 3,
      maxOutputTokensPerChoice: 10,
      maxOutputTokens: 30,
    });
  });

  test('the same body again with what was priced as limits', () => {
    const first = checked({ ...hello, n: 3, max_tokens: 10 });
    const again = checked({ ...hello, n: 3, max_tokens: 10 }, CHAT, {
      maxOutputTokens: first.maxOutputTokensPerChoice,
      maxChoices: first.choices,
    });
    expect(again.upstreamBody({ cap: 'both', usage: true })).toEqual(first.upstreamBody({ cap: 'both', usage: true }));
  });
});

test('a large body is checked in steps, between which others are served, with the same result', async () => {
  const messages = Array.from({ length: 8_000 }, () => ({ role: 'user', content: 'x'.repeat(400) }));
  const body = bytes({ model: 'm', messages, tools: [{ type: 'function', function: { name: 'f', parameters: {} } }] });
  let served = 0;
  const serve = (): void => {
    served++;
    if (served < 3) setImmediate(serve);
  };
  setImmediate(serve);
  const inSteps = (await checkRequestInSteps(CHAT, body, 'm', limits)) as CheckedRequest;
  expect(served).toBe(3);
  const atOnce = checked(new TextDecoder().decode(body));
  expect(inSteps.promptText).toEqual(atOnce.promptText);
  const fill = { cap: 'max_tokens', usage: true } as const;
  expect(Buffer.from(inSteps.upstreamBody(fill)).equals(atOnce.upstreamBody(fill))).toBe(true);
});

describe('a body for another model', () => {
  const text = (body: string): string => Buffer.from(bodyForModel(Buffer.from(body), 'b "c"')).toString();
  test.each([
    ['{ "n" : 1 , "model" : "a" , "x": {"model": 2} }', '{ "n" : 1 , "model" : "b \\"c\\"" , "x": {"model": 2} }'],
    ['{"n":1 }', '{"n":1,"model":"b \\"c\\"" }'],
    [' { } ', ' {"model":"b \\"c\\"" } '],
  ])('%s has nothing else changed', (body, expected) => expect(text(body)).toBe(expected));
});
