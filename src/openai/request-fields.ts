import type { TaskKind } from './checked-request.ts';
import { chatMessages, responseInput } from './message-rules.ts';
import { anyText, anything, expect, flag, oneOf, only, text, whole, word } from './rule.ts';
import type { Fields } from './rule.ts';
import { either, list, record, table } from './shape.ts';
import { sampling } from './sampling-fields.ts';
import { chatTools, format, functionChoice, functionDefinitions, responsesTools, toolChoice } from './tool-rules.ts';

const STATE = 'nothing is kept between requests';
const UNPRICED = 'its output is not priced';

/** Read, bounded and priced by the gate itself. */
const priced = anything;

/** How much a model thinks is bounded by the cap, as all output is. */
const thinking: Fields = {
  reasoning: record({
    effort: word,
    summary: word,
    generate_summary: word,
    enabled: flag,
    exclude: flag,
    context: word,
  }),
  include_reasoning: flag,
  think: either(flag, word),
  chat_template_kwargs: record({ enable_thinking: flag, thinking: flag, reasoning_effort: word }),
};

const shared: Fields = {
  model: priced,
  stream: flag,
  store: only(false, STATE),
  service_tier: oneOf('auto', 'default', 'flex'), // others cost more than is priced
  parallel_tool_calls: flag,
  tool_choice: toolChoice,
  user: text(512),
  safety_identifier: text(512),
  prompt_cache_key: text(512),
  metadata: table(text(512), 64),
  ...sampling,
  ...thinking,
};

const chat: Fields = {
  ...shared,
  messages: chatMessages,
  max_tokens: priced,
  max_completion_tokens: priced,
  n: priced,
  stream_options: record({ include_usage: flag, include_obfuscation: flag, continuous_usage_stats: flag }),
  tools: chatTools,
  functions: functionDefinitions,
  function_call: functionChoice,
  response_format: format,
  reasoning_effort: word,
  verbosity: word,
  modalities: list(oneOf('text'), 1),
  logprobs: only(false, UNPRICED),
  top_logprobs: only(0, UNPRICED),
};

const responses: Fields = {
  ...shared,
  input: responseInput,
  instructions: anyText,
  max_output_tokens: priced,
  max_tool_calls: whole(0, 65_535),
  stream_options: record({ include_obfuscation: flag }),
  tools: responsesTools,
  text: record({ format, verbosity: word }),
  include: list(
    expect(
      '"reasoning.encrypted_content": nothing else is sold here',
      (value) => value === 'reasoning.encrypted_content',
    ),
  ),
  truncation: oneOf('auto', 'disabled'),
  background: only(false, STATE),
  client_metadata: table(text(16_384), 64),
  top_logprobs: only(0, UNPRICED),
};

/** All that a request may say: what is not here is refused. Drivers add nothing; the owner may, see `isOpenField`. */
export const requestFields: Readonly<Record<TaskKind, Fields>> = {
  'openai.chat_completions.v1': chat,
  'openai.responses.v1': responses,
};

/** What of them reaches the model, beside messages and input. */
export const promptFields: ReadonlySet<string> = new Set([
  'instructions',
  'tools',
  'functions',
  'response_format',
  'text',
]);
