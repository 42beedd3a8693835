import { chatMessages } from '../message-rules.ts';
import { flag, oneOf, only, word } from '../rule.ts';
import { list, record } from '../shape.ts';
import { chatTools, format, functionChoice, functionDefinitions } from '../tool-rules.ts';
import type { Kind } from './kind.ts';
import { priced, textFields } from './text-fields.ts';

const UNPRICED = 'its output is not priced';

export const chatCompletions: Kind = {
  path: '/chat/completions',
  needs: 'completion',
  input: 'messages',
  promptFields: ['tools', 'functions', 'response_format'],
  caps: ['max_tokens', 'max_completion_tokens'],
  defaults: {},
  contentPaths: ['content', 'reasoning_content', 'reasoning', 'refusal', 'tool_calls.*.function.arguments'].map(
    (path) => `choices.*.message.${path}`,
  ),
  stream: 'chat-chunks',
  fields: {
    ...textFields,
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
  },
};
