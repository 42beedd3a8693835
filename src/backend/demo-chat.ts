import type { DemoPiece, DemoRequest, DemoText } from './demo-request.ts';

/** The answer to a chat completion: one piece of JSON, or the events of a stream. `createdS`: Unix time in seconds. */
export function chatAnswer(request: DemoRequest, stream: boolean, createdS: number): DemoPiece[] {
  const about = {
    id: `chatcmpl-demo${request.id}`,
    created: createdS,
    model: request.model,
    system_fingerprint: 'fp_demo',
  };
  const usage = chatUsage(request);
  if (!stream) {
    const choices = request.choices.map((choice, index) => ({
      index,
      message: { role: 'assistant', content: choice.words.join(''), refusal: null },
      logprobs: null,
      finish_reason: finishReason(choice),
    }));
    const body = { object: 'chat.completion', ...about, choices, usage };
    return [{ tokens: usage.completion_tokens, text: JSON.stringify(body) }];
  }
  const withoutUsage = request.usageWanted ? { usage: null } : {};
  const chunk = (index: number, delta: object, reason: string | null = null): string =>
    event({
      object: 'chat.completion.chunk',
      ...about,
      choices: [{ index, delta, logprobs: null, finish_reason: reason }],
      ...withoutUsage,
    });
  const pieces: DemoPiece[] = request.choices.map((_, index) => ({
    tokens: 0,
    text: chunk(index, { role: 'assistant', content: '', refusal: null }),
  }));
  const longest = Math.max(...request.choices.map((choice) => choice.words.length));
  for (let position = 0; position <= longest; position += 1) {
    for (const [index, choice] of request.choices.entries()) {
      const word = choice.words[position];
      if (word !== undefined) pieces.push({ tokens: 1, text: chunk(index, { content: word }) });
      else if (position === choice.words.length)
        pieces.push({ tokens: 0, text: chunk(index, {}, finishReason(choice)) });
    }
  }
  if (request.usageWanted)
    pieces.push({ tokens: 0, text: event({ object: 'chat.completion.chunk', ...about, choices: [], usage }) });
  return [...pieces, { tokens: 0, text: 'data: [DONE]\n\n' }];
}

const event = (data: object): string => `data: ${JSON.stringify(data)}\n\n`;

const finishReason = (choice: DemoText): string => (choice.isCut ? 'length' : 'stop');

function chatUsage({ inputTokens, choices }: DemoRequest) {
  const outputTokens = choices.reduce((sum, choice) => sum + choice.words.length, 0);
  return { prompt_tokens: inputTokens, completion_tokens: outputTokens, total_tokens: inputTokens + outputTokens };
}
