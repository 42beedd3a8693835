import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ollamaKinds } from './build.ts';
import type { VocabularyOllama } from './vocabulary-ollama.ts';
import { startVocabularyOllama } from './vocabulary-ollama.ts';

const BUILD_TIMEOUT_MS = 20 * 60_000;

const texts = [
  'Hello there',
  "It's 12345 o'clock — naïve café",
  '你好，世界。今天天气怎么样？',
  'for (let i = 0; i < 10; i++) {\n    total += values[i];\n}\n',
  'Привет 👩🏽‍🚀 สวัสดี',
  '   spaces   and\ttabs\n\n\n',
];

/** What the tokenizers that the vocabularies were taken from make of the texts. Llama's begin with a token of their own. */
const counts = {
  llama2: [3, 19, 20, 29, 24, 10],
  llama3: [3, 12, 12, 24, 17, 8],
  gpt2: [2, 10, 27, 27, 30, 11],
  'qwen2.5': [2, 14, 8, 24, 14, 7],
  qwen3: [2, 14, 8, 24, 14, 7],
};

describe.each(ollamaKinds)("the rig's models with real vocabularies, in the Ollama of %s", (kind) => {
  let ollama: VocabularyOllama;
  beforeAll(async () => {
    ollama = await startVocabularyOllama(kind);
  }, BUILD_TIMEOUT_MS);
  afterAll(() => ollama[Symbol.asyncDispose]());

  const ask = async (path: string, body: object) => {
    const answer = await fetch(`${ollama.coordinates.url}${path}`, { method: 'POST', body: JSON.stringify(body) });
    return (await answer.json()) as Record<string, unknown>;
  };

  it.each(Object.entries(counts))('count as the original tokenizer: %s', async (model, expected) => {
    const counted = [];
    for (const prompt of texts) {
      const answer = await ask('/api/generate', {
        model,
        prompt,
        raw: true,
        stream: false,
        options: { num_predict: 1 },
      });
      counted.push(answer['prompt_eval_count']);
    }
    expect(counted).toEqual(expected);
  });

  it('render a chat as their template says', async () => {
    const messages = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Hi' },
    ];
    const answer = await ask('/api/chat', { model: 'qwen2.5', messages, stream: false, _debug_render_only: true });
    expect(answer['_debug_info']).toMatchObject({
      rendered_template:
        '<|im_start|>system\nBe brief.\n<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n',
    });
  });
});
