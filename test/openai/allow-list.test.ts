import { describe, expect, test } from 'vitest';
import { isOpenField } from '../../src/openai/refused-fields.ts';
import { checkRequest } from '../../src/openai/request.ts';
import type { RequestLimits, TaskKind } from '../../src/openai/request.ts';

const CHAT = 'openai.chat_completions.v1';
const RESPONSES = 'openai.responses.v1';
const EMBEDDINGS = 'openai.embeddings.v1';
const user = (content: unknown) => ({ messages: [{ role: 'user', content }] });

/** Why a request with these fields is refused; undefined: it passes. */
function refusal(kind: TaskKind, fields: object, limits: Partial<RequestLimits> = {}): string | undefined {
  const needed = kind === CHAT ? user('hello') : { input: 'hello' };
  const body = new TextEncoder().encode(JSON.stringify({ model: 'm', ...needed, ...fields }));
  const result = checkRequest(kind, body, 'm', { maxOutputTokens: 100, maxChoices: 4, ...limits });
  return 'refusal' in result ? result.message : undefined;
}

const tool = { type: 'function', function: { name: 'f', parameters: { type: 'object', properties: { type: {} } } } };
const call = { id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } };

describe('what clients send passes', () => {
  test.each<[string, object]>([
    [
      'openai-python, an answer sent back',
      {
        messages: [
          { role: 'developer', content: 'Be brief', name: 'x' },
          {
            role: 'assistant',
            content: null,
            refusal: null,
            annotations: [],
            audio: null,
            function_call: null,
            tool_calls: [call],
          },
          { role: 'tool', tool_call_id: 'c', content: [{ type: 'text', text: '42' }] },
        ],
        tools: [tool],
        tool_choice: { type: 'function', function: { name: 'f' } },
        response_format: { type: 'json_schema', json_schema: { name: 's', strict: true, schema: { type: 'object' } } },
      },
    ],
    ['openai-python, explicit nulls', { audio: null, prediction: null, logit_bias: null, stop: null, n: null }],
    [
      'LangChain',
      { n: 1, temperature: 0.7, top_p: 1, presence_penalty: 0, stop: ['\nObservation:'], parallel_tool_calls: false },
    ],
    [
      'LiteLLM',
      {
        messages: [
          { role: 'assistant', content: 'a', provider_specific_fields: { refusal: null }, thinking_blocks: null },
          { role: 'user', content: [{ type: 'text', text: 'b', cache_control: { type: 'ephemeral' } }] },
        ],
      },
    ],
    [
      'Open WebUI and Ollama users',
      { seed: 42, top_k: 40, min_p: 0.05, repeat_penalty: 1.1, repeat_last_n: 64, mirostat: 2, mirostat_tau: 5 },
    ],
    ['vLLM users', { top_k: -1, repetition_penalty: 1.05, chat_template_kwargs: { enable_thinking: false } }],
    ['Ollama thinking', { think: 'high', reasoning_effort: 'low' }],
    ['Continue', { max_tokens: 50, stream: true, stream_options: { include_usage: true }, stop: '\n' }],
    [
      'the Vercel AI SDK',
      { user: 'u', metadata: { a: 'b' }, verbosity: 'low', logit_bias: { 50256: -100 }, tool_choice: 'auto' },
    ],
    ['agents', { messages: [{ role: 'assistant', content: '', reasoning_content: 'hm', tool_calls: [call] }] }],
    ['functions of old', { functions: [{ name: 'f', parameters: {} }], function_call: { name: 'f' } }],
  ])('%s', (_name, fields) => expect(refusal(CHAT, fields)).toBeUndefined());

  test('the steps of codex after the first', () => {
    const input = [
      { role: 'developer', content: 'no type' },
      { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'hi' }] },
      { type: 'reasoning', id: 'r', summary: [{ type: 'summary_text', text: 's' }], encrypted_content: 'AA==' },
      { type: 'function_call', id: 'f', name: 'shell', namespace: 'n', arguments: '{}', call_id: 'c', status: 'done' },
      { type: 'function_call_output', call_id: 'c', output: [{ type: 'input_text', text: 'ok' }] },
      { type: 'message', role: 'assistant', phase: 'commentary', content: [{ type: 'output_text', text: 'x' }] },
    ];
    const text = { verbosity: 'low', format: { type: 'json_schema', name: 's', schema: {}, strict: true } };
    const fields = { input, text, reasoning: { effort: 'high', summary: 'auto' }, truncation: 'auto' };
    expect(refusal(RESPONSES, fields)).toBeUndefined();
    expect(refusal(RESPONSES, { previous_response_id: null, background: false, top_logprobs: 0 })).toBeUndefined();
  });
});

describe('what would make a backend do something else than was priced is refused', () => {
  test.each<[object, string]>([
    [{ chat_template_kwargs: { chat_template: '{{ x }}' } }, '"chat_template_kwargs.chat_template" is not known here'],
    [{ preset: 'p' }, 'another model'],
    [{ api_base: 'http://10.0.0.1' }, 'connects to nothing'],
    [{ model_list: [] }, 'another model'],
    [{ mock_response: 'x' }, 'another model'],
    [{ guided_regex: '(a+)+$' }, 'llm.allowed_request_fields'],
    [{ grammar: 'root ::= "a"' }, 'llm.allowed_request_fields'],
    [{ logprobs: true }, '"logprobs" is not sold here: its output is not priced'],
    [{ top_logprobs: 5 }, '"top_logprobs" is not sold here'],
    [{ stop: Array.from({ length: 17 }, () => 'x') }, '"stop" must'],
    [{ stop: 'x'.repeat(257) }, '"stop" must be a text of at most 256 characters'],
    [{ logit_bias: Object.fromEntries(Array.from({ length: 1025 }, (_, i) => [i, 1])) }, '"logit_bias" must have'],
    [{ temperature: 1e300 }, '"temperature" must be a number from 0 to 10'],
    [{ response_format: { type: 'grammar', grammar: 'x' } }, '"response_format" of type "grammar" is not sold here'],
    [{ reasoning: { max_tokens: 99 } }, '"reasoning.max_tokens"'],
    [{ modalities: ['text', 'audio'] }, '"modalities" must'],
    [{ stream_options: { include_usage: true, other: 1 } }, '"stream_options.other"'],
    [{ metadata: { a: 1 } }, '"metadata" must'],
    [{ tools: [{ type: 'web_search_preview' }] }, '"tools[0]" of type "web_search_preview" is not sold here'],
    [{ tools: [{ type: 'computer_use_preview' }] }, '"tools[0]" of type'],
    [{ tools: [{ type: 'web_search_2030' }] }, '"tools[0]" must have one of these types: function'],
    [{ tools: [{ ...tool, Type: 'mcp' }] }, '"tools[0].Type"'],
    [{ tool_choice: { type: 'mcp', server_label: 'x' } }, '"tool_choice" must be'],
    [user([{ type: 'input_video', input_video: 'x' }]), '"messages[0].content[0]" of type "input_video"'],
    [user([{ type: 'text', text: 'a', Image_Url: 'http://10.0.0.1' }]), '"messages[0].content[0].Image_Url"'],
    [{ messages: [{ role: 'user', content: 'a', images: ['AA=='] }] }, '"messages[0].images" is not sold here'],
    [{ messages: [{ role: 'root', content: 'a' }] }, '"messages[0].role" must be'],
    [JSON.parse('{"__proto__":{"n":9}}') as object, '"__proto__" is not sold here'],
    [{ constructor: 1 }, '"constructor" is not sold here'],
    [{ Max_Tokens: null }, 'spelled almost like "max_tokens"'],
  ])('%j', (fields, why) => expect(refusal(CHAT, fields)).toContain(why));

  test.each<[object, string]>([
    [{ include: ['message.output_text.logprobs'] }, '"include[0]"'],
    [{ input: [{ type: 'computer_call_output', output: {} }] }, '"input[0]" of type'],
    [{ input: [{ type: 'message', role: 'user', content: [{ type: 'input_file', file_url: 'x' }] }] }, 'input_file'],
    [{ context_management: [] }, 'llm.allowed_request_fields'],
    [{ max_tokens: 5 }, 'it belongs to another API'],
  ])('%j, of responses', (fields, why) => expect(refusal(RESPONSES, fields)).toContain(why));

  test('an unknown type or field is told, and nothing of what it says', () => {
    const secret = 'XYZZY';
    for (const fields of [
      { tools: [{ type: secret }] },
      user([{ type: secret }]),
      { response_format: { type: secret } },
      { user: secret.repeat(1000) },
      { tool_choice: secret },
    ])
      expect(refusal(CHAT, fields)).not.toContain(secret);
  });
});

describe('embeddings', () => {
  test.each<[string, object]>([
    ['openai-python', { input: ['a', 'b'], encoding_format: 'base64' }],
    ['one text', { input: 'a', encoding_format: 'float', user: 'u', dimensions: 256 }],
    ['explicit nulls', { encoding_format: null, user: null, dimensions: null }],
    ['as many as OpenAI takes', { input: Array.from({ length: 2048 }, () => 'x') }],
  ])('of %s pass', (_name, fields) => expect(refusal(EMBEDDINGS, fields)).toBeUndefined());

  test.each<[object, string]>([
    [{ input: [1, 2, 3] }, 'check_embedding_ctx_length=False'],
    [{ input: [[1, 2], [3]] }, '"input" as tokens is not sold here: send texts'],
    [{ input: ['a', 1] }, '"input" as tokens'],
    [{ input: [] }, '"input" is empty'],
    [{ input: '' }, '"input" must be a text that is not empty'],
    [{ input: ['a', ''] }, '"input[1]" must be a text that is not empty'],
    [{ input: null }, '"input" is empty'],
    [{ input: { text: 'a' } }, '"input" must be'],
    [{ dimensions: 0 }, '"dimensions" must be'],
    [{ dimensions: '8' }, '"dimensions" must be'],
    [{ encoding_format: 'binary' }, '"encoding_format" must be'],
    [{ stream: true }, '"stream" is not sold here: it belongs to another API'],
    [{ n: 2 }, '"n" is not sold here'],
    [{ max_tokens: 2 }, '"max_tokens" is not sold here'],
    [{ messages: [] }, '"messages" is not sold here'],
    [{ truncate: true }, 'for the owner of the server'],
    [{ keep_alive: -1 }, 'for the owner of the server'],
    [{ Input: 'b' }, 'spelled almost like "input"'],
    [{ Dimensions: 8 }, 'spelled almost like "dimensions"'],
    [{ input_type: 'query' }, 'llm.allowed_request_fields'],
  ])('%j are refused', (fields, why) => expect(refusal(EMBEDDINGS, fields)).toContain(why));

  test('of more texts are refused', () =>
    expect(refusal(EMBEDDINGS, { input: Array.from({ length: 2049 }, () => 'x') })).toBe(
      '"input" must have at most 2048 elements',
    ));
});

describe('the owner', () => {
  test('lets a field pass that his backends know, whatever its value', () => {
    const allowedFields = ['guided_json'];
    expect(refusal(CHAT, { guided_json: { a: [1] } }, { allowedFields })).toBeUndefined();
    expect(refusal(CHAT, { Guided_Json: 1 }, { allowedFields })).toContain('"Guided_Json" is not sold here');
  });

  test('lets a type of tool pass', () => {
    const tools = [{ type: 'web_search', external_web_access: false }];
    expect(refusal(RESPONSES, { tools }, { allowedToolTypes: ['web_search'] })).toBeUndefined();
    expect(refusal(RESPONSES, { tools })).toContain('web_search = "disabled"');
  });

  test.each(['n', 'model', 'max_tokens', 'maxtokens', 'best_of', 'n_predict', 'options', 'preset', 'tools', 'store'])(
    'can not let %s pass',
    (field) => expect(isOpenField(field)).toBe(false),
  );

  test.each(['min_tokens', 'guided_json', 'dry_multiplier', 'xtc_threshold', 'skip_special_tokens'])(
    'can let %s pass',
    (field) => expect(isOpenField(field)).toBe(true),
  );
});
