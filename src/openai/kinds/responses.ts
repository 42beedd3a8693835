import { responseInput } from '../message-rules.ts';
import { anyText, expect, flag, oneOf, only, text, whole, word } from '../rule.ts';
import { list, record, table } from '../shape.ts';
import { format, responsesTools } from '../tool-rules.ts';
import type { Kind } from './kind.ts';
import { STATE, priced, textFields } from './text-fields.ts';

export const responses: Kind = {
  path: '/responses',
  needs: 'completion',
  input: 'input',
  promptFields: ['instructions', 'tools', 'text'],
  caps: ['max_output_tokens'],
  defaults: { store: 'false' }, // OpenAI keeps answers by default
  contentPaths: [
    'output.*.content.*.text',
    'output.*.content.*.refusal',
    'output.*.summary.*.text',
    'output.*.arguments',
    'output.*.input',
  ],
  stream: 'response-events',
  fields: {
    ...textFields,
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
    top_logprobs: only(0, 'its output is not priced'),
  },
};
