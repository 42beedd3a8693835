import { describe, expect, it } from 'vitest';
import { sharedRig } from './shared-rig.ts';

type Usage = { prompt_tokens: number; completion_tokens: number; total_tokens: number };
type Choice = { message?: { content: string }; delta?: { content?: string }; finish_reason: string | null };
type Answer = { choices: Choice[]; usage?: Usage };

const rig = sharedRig();

function chat(model: string, extra: object): Promise<Response> {
  const messages = [{ role: 'user', content: 'Hello there' }];
  return fetch(`${rig.ollama.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model, messages, ...extra }),
  });
}

async function answerOf(model: string, extra: object): Promise<Answer> {
  const response = await chat(model, extra);
  expect(response.status).toBe(200);
  return (await response.json()) as Answer;
}

describe('the Ollama of the rig', () => {
  it.each(['tiny', 'tiny-long'])('answers with JSON up to the limit of output tokens: %s', async (model) => {
    const { choices, usage } = await answerOf(model, { max_tokens: 300 });
    expect(choices[0]?.finish_reason).toBe('length');
    expect(choices[0]?.message?.content).toMatch(/^[a-zA-Z ,.?!]+$/);
    expect(usage?.completion_tokens).toBe(300);
    expect(usage?.prompt_tokens).toBeGreaterThan(5);
  });

  it('has a model that ends by itself', async () => {
    const reasons = new Set<string | null | undefined>();
    for (let seed = 0; seed < 5; seed++) {
      const { choices } = await answerOf('tiny-brief', { max_tokens: 1000, seed });
      reasons.add(choices[0]?.finish_reason);
    }
    expect(reasons).toContain('stop');
  });

  it('streams one event per token, then the usage', async () => {
    const response = await chat('tiny', { max_tokens: 100, stream: true, stream_options: { include_usage: true } });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    const events = (await response.text()).split('\n\n').filter((event) => event !== '');
    expect(events.at(-1)).toBe('data: [DONE]');
    const chunks = events.slice(0, -1).map((event) => JSON.parse(event.slice('data: '.length)) as Answer);
    expect(chunks.filter((chunk) => chunk.choices[0]?.delta?.content)).toHaveLength(100);
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 100 } });
  });

  it('shows the rendered prompt without running it, and its vocabulary', async () => {
    const post = async (path: string, body: object) => {
      const response = await fetch(`${rig.ollama.url}${path}`, { method: 'POST', body: JSON.stringify(body) });
      return (await response.json()) as Record<string, Record<string, unknown>>;
    };
    const messages = [{ role: 'user', content: 'Hello there' }];
    const rendered = await post('/api/chat', { model: 'tiny', messages, stream: false, _debug_render_only: true });
    expect(rendered['_debug_info']?.['rendered_template']).toContain(
      '<|start_header_id|>user<|end_header_id|>\n\nHello',
    );
    const { model_info: info } = await post('/api/show', { model: 'tiny', verbose: true });
    expect(info?.['tokenizer.ggml.tokens']).toHaveLength(32_005);
    expect(info?.['llama.context_length']).toBe(32_768);
  });

  it('comes back at the same address after kill -9', async () => {
    await rig.ollama.kill();
    await expect(fetch(rig.ollama.url)).rejects.toThrow();
    await rig.ollama.restart();
    expect((await answerOf('tiny', { max_tokens: 5 })).usage?.completion_tokens).toBe(5);
  });
});
