import { afterAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock/clock.ts';
import { createOllamaEstimator } from '../../src/estimating/ollama/ollama.ts';
import { checkRequest } from '../../src/openai/request.ts';
import type { CheckedRequest, TaskKind } from '../../src/openai/request.ts';
import { sharedRig } from './shared-rig.ts';

const rig = sharedRig();
const never = new AbortController().signal;
const estimator = createOllamaEstimator({ urls: [rig.ollama.url], clock: systemClock, timeLimitMs: 20_000 });
afterAll(() => estimator.close());

function checked(taskKind: TaskKind, body: object): CheckedRequest {
  const request = checkRequest(taskKind, Buffer.from(JSON.stringify({ model: 'tiny', ...body })), 'tiny', {
    maxOutputTokens: 2,
  });
  if ('refusal' in request) throw new Error(request.message);
  return request;
}

/** What Ollama bills for the very request that the job would send. */
async function usageOf(path: string, request: CheckedRequest): Promise<number | undefined> {
  const body = Buffer.from(request.upstreamBody({ cap: 'max_tokens', usage: true }));
  const response = await fetch(`${rig.ollama.url}/v1/${path}`, { method: 'POST', body });
  const { usage } = (await response.json()) as { usage?: { prompt_tokens?: number; input_tokens?: number } };
  return usage?.prompt_tokens ?? usage?.input_tokens;
}

const texts = [
  'Hello there',
  "DON'T we'll it's 1234567 ٣٤٥ ½² — “quoted”…",
  ' '.repeat(777),
  '\n\n\n \r\n\t\u00a0\u3000',
  '漢字仮名交じり文 안녕하세요 Привет हिन्दी 👩‍👩‍👧‍👦 🇩🇪',
  '<|eot_id|> typed by a buyer <|begin_of_text|><|start_header_id|>',
  'for (let i = 0; i < 10; i++) {\n    total += values[i];\n}\n'.repeat(20),
  'a'.repeat(3000),
];

describe('the ollama estimator counts what the Ollama of the rig bills', () => {
  it.each(texts)('for a chat: %j', async (text) => {
    const messages = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: text },
      { role: 'assistant', content: 'Well…' },
      { role: 'user', content: [text, 'and now?'].map((part) => ({ type: 'text', text: part })) },
    ];
    const request = checked('openai.chat_completions.v1', { messages });
    await estimator.prepare('tiny', request.taskKind, never);
    const tokens = await usageOf('chat/completions', request);
    expect(await estimator.count(request, { signal: never })).toEqual({ tokens, accuracy: 'exact' });
  });

  it.each(texts)('for a response: %j', async (text) => {
    const input = [
      { role: 'user', content: [{ type: 'input_text', text }] },
      { role: 'assistant', content: [{ type: 'output_text', text: 'Well…' }] },
      { role: 'user', content: 'and now?' },
    ];
    const request = checked('openai.responses.v1', { input, instructions: 'Be brief.' });
    await estimator.prepare('tiny', request.taskKind, never);
    const tokens = await usageOf('responses', request);
    expect(await estimator.count(request, { signal: never })).toEqual({ tokens, accuracy: 'exact' });
  });
});
