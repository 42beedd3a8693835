import type { DemoPiece, DemoRequest } from './demo-request.ts';

/** The answer to a Responses call: one piece of JSON, or the events of a stream. `createdS`: Unix time in seconds. */
export function responsesAnswer(request: DemoRequest, stream: boolean, createdS: number): DemoPiece[] {
  const { words, isCut } = request.choices[0] ?? { words: [], isCut: false };
  const text = words.join('');
  const status = isCut ? 'incomplete' : 'completed';
  const itemId = `msg_demo${request.id}`;
  const part = (content: string) => ({ type: 'output_text', text: content, annotations: [], logprobs: [] });
  const item = (state: string, content: readonly object[]) => ({
    id: itemId,
    type: 'message',
    status: state,
    role: 'assistant',
    content,
  });
  const response = (state: string, output: readonly object[], usage: object | null) => ({
    id: `resp_demo${request.id}`,
    object: 'response',
    created_at: createdS,
    status: state,
    error: null,
    incomplete_details: state === 'incomplete' ? { reason: 'max_output_tokens' } : null,
    instructions: null,
    metadata: {},
    model: request.model,
    output,
    parallel_tool_calls: true,
    temperature: null,
    tool_choice: 'auto',
    tools: [],
    top_p: null,
    usage,
  });
  const whole = response(status, [item(status, [part(text)])], responsesUsage(request.inputTokens, words.length));
  if (!stream) return [{ tokens: words.length, text: JSON.stringify(whole) }];

  const pieces: DemoPiece[] = [];
  const put = (type: string, data: object, tokens = 0): void => {
    const body = { type, ...data, sequence_number: pieces.length };
    pieces.push({ tokens, text: `event: ${type}\ndata: ${JSON.stringify(body)}\n\n` });
  };
  const inItem = { item_id: itemId, output_index: 0, content_index: 0 };
  put('response.created', { response: response('in_progress', [], null) });
  put('response.in_progress', { response: response('in_progress', [], null) });
  put('response.output_item.added', { output_index: 0, item: item('in_progress', []) });
  put('response.content_part.added', { ...inItem, part: part('') });
  for (const word of words) put('response.output_text.delta', { ...inItem, delta: word, logprobs: [] }, 1);
  put('response.output_text.done', { ...inItem, text, logprobs: [] });
  put('response.content_part.done', { ...inItem, part: part(text) });
  put('response.output_item.done', { output_index: 0, item: item(status, [part(text)]) });
  put(`response.${status}`, { response: whole });
  return pieces;
}

const responsesUsage = (input: number, output: number) => ({
  input_tokens: input,
  input_tokens_details: { cached_tokens: 0 },
  output_tokens: output,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: input + output,
});
