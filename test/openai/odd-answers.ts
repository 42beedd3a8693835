const figures = '"usage":{"prompt_tokens":1,"completion_tokens":1}';
const token = '"choices":[{"delta":{"content":"abcdefgh"}}]';
const much = 'x'.repeat(70_000);

/** Chat streams of which it once depended on the network's cuts what was taken out, or how much they were found to say. */
export const oddAnswers: readonly string[] = [
  `data: {"choices"#:[],${figures}}\n\n`,
  `data: {"choices":[],"usage":null,${figures}}\n\n`,
  `data: {${token},"choices":[{}]}\n\n`,
  'data: {"choices":[{"delta":{"tool_calls":"x"}}]}\n\n',
  'data: {"choices":[{"delta":{"tool_calls":{"*":{"function":{"arguments":"abcdefgh"}}}}}]}\n\n',
  'data: {"choices":[{"\ufeffdelta":{"content":"abcdefgh"}}]}\n\n',
  `data: {${token},"usage":null}\n\ndata: {{"prompt_tokens":1,"completion_tokens":1}}\n\n`,
  '}\n\n',
  `data: {"choices":[],"padding":"${much}",${figures}}\n\n`,
  `: ${much}\ndata: {"choices":[],${figures}}\n\n`,
];
