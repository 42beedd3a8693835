import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ownRequests } from '../../bench/price/requests.ts';
import { Shop } from '../../bench/price/shop.ts';
import { checkRequest } from '../../src/openai/request.ts';
import { isOlderOllamaBuilt, ollamaKinds } from './build.ts';
import { embeddingModels } from './vocabulary-models.ts';
import type { VocabularyOllama } from './vocabulary-ollama.ts';
import { startVocabularyOllama } from './vocabulary-ollama.ts';

const BUILD_TIMEOUT_MS = 20 * 60_000;
const MEASURE_TIMEOUT_MS = 5 * 60_000;
const EMBEDDING = 'openai.embeddings.v1';
/** Longer ones are cut by each server and model in its own way; where is tried below. */
const MAX_CHARACTERS = 4000;
const TEXTS_AT_ONCE = 40;

/** Each fourth of what the benchmark's chats and responses say. */
const texts = [
  ...new Set(
    ownRequests().flatMap(({ taskKind, body }) => {
      const checked = checkRequest(taskKind, Buffer.from(JSON.stringify({ ...body, model: 'm' })), 'm', {
        maxOutputTokens: 16,
      });
      return 'refusal' in checked ? [] : checked.promptText.map((text) => text.slice(0, MAX_CHARACTERS));
    }),
  ),
].filter((text, at) => text !== '' && at % 4 === 0);

const kinds = ollamaKinds.filter((kind) => kind === 'today' || isOlderOllamaBuilt());
const nobody = (): void => {};

describe.each(kinds)('the estimator ollama, upon texts that the Ollama of %s embeds', (kind) => {
  let ollama: VocabularyOllama;
  beforeAll(async () => {
    ollama = await startVocabularyOllama(kind);
  }, BUILD_TIMEOUT_MS);
  afterAll(() => ollama[Symbol.asyncDispose]());

  const open = (model: string): Promise<Shop> =>
    Shop.open({ driver: 'ollama', url: ollama.coordinates.url, model }, ['ollama'], 16, nobody);
  /** What is quoted, and what the server then counts. */
  const sell = async (shop: Shop, input: string | readonly string[]) => {
    const body = Buffer.from(JSON.stringify({ model: shop.upstream.model, input }));
    const quote = await shop.quote('ollama', EMBEDDING, body);
    if ('refusal' in quote) return { refusal: quote.refusal };
    const { inputTokens: counted } = (await shop.run(EMBEDDING, body)) ?? {};
    return { quoted: quote.inputTokens, accuracy: quote.counted?.accuracy, counted };
  };

  it.each(embeddingModels.map(({ name }) => name))(
    'quotes what %s then counts, for one text and for many',
    { timeout: MEASURE_TIMEOUT_MS },
    async (model) => {
      await using shop = await open(model);
      const inputs: (string | string[])[] = [...texts];
      for (let at = 0; at < texts.length; at += TEXTS_AT_ONCE) inputs.push(texts.slice(at, at + TEXTS_AT_ONCE));
      const wrong = [];
      let exact = 0;
      for (const input of inputs) {
        const sold = await sell(shop, input);
        if ('refusal' in sold) continue;
        if (sold.accuracy === 'exact' && sold.quoted === sold.counted) exact++;
        else wrong.push({ input: input.slice(0, 80), ...sold });
      }
      expect(wrong).toEqual([]);
      expect(exact).toBeGreaterThan(inputs.length * 0.9);
    },
  );

  it.each(embeddingModels.map(({ name }) => name))(
    'sells no text that %s would be given only the beginning of',
    { timeout: MEASURE_TIMEOUT_MS },
    async (model) => {
      await using shop = await open(model);
      const contextTokens = (await shop.contextTokens()) ?? 0;
      let largest = 0;
      for (const spare of [8, 4, 3, 2, 1, 0, -1, -2, -50]) {
        const tokens = contextTokens - spare;
        const sold = await sell(shop, ['short', `a${' a'.repeat(tokens - 1)}`]);
        if ('refusal' in sold) continue;
        expect(sold.quoted).toBe(sold.counted);
        expect(sold.counted).toBeGreaterThan(tokens);
        largest = tokens;
      }
      expect(contextTokens - largest).toBeOneOf([3, 4]);
    },
  );
});
