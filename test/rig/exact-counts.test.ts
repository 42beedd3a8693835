import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { measureFallback } from '../../bench/price/fallback.ts';
import { measureModel } from '../../bench/price/measure-model.ts';
import { ownRequests } from '../../bench/price/requests.ts';
import { differences } from '../../bench/price/summary.ts';
import { isOlderOllamaBuilt, ollamaKinds } from './build.ts';
import { startLlamaServer } from './llama-server.ts';
import type { VocabularyOllama } from './vocabulary-ollama.ts';
import { startVocabularyOllama } from './vocabulary-ollama.ts';

const BUILD_TIMEOUT_MS = 20 * 60_000;
const MEASURE_TIMEOUT_MS = 5 * 60_000;

/** Each fourth: some of every sort. The benchmark takes all of them. */
const requests = ownRequests().filter((_, at) => at % 4 === 0);
const nobody = (): void => {};

const models = {
  today: ['llama2', 'llama3', 'gpt2', 'qwen2.5', 'qwen2.5-jinja', 'qwen3'],
  older: ['llama2', 'llama3', 'gpt2', 'qwen2.5', 'qwen3'],
};

/** What was priced as it was then counted and charged, to the token and the millisatoshi. */
async function measure(server: string, upstream: Parameters<typeof measureModel>[1], estimator: string) {
  const result = await measureModel(server, upstream, { requests, estimators: [estimator], tell: nobody });
  const counted = result.rows.flatMap(({ request, quotes, worthMsat }) => {
    const quote = quotes[estimator];
    return quote === undefined || 'refusal' in quote ? [] : [{ request, worthMsat, charged: quote.chargesMsat }];
  });
  return { wrong: differences([result]), counted };
}

/** The older one is built by the benchmark, or by `node scripts/run.mjs test/rig/build.ts`: not every run of the rig can wait for it. */
const kinds = ollamaKinds.filter((kind) => kind === 'today' || isOlderOllamaBuilt());

describe.each(kinds)('the estimator ollama, upon the Ollama of %s', (kind) => {
  let ollama: VocabularyOllama;
  beforeAll(async () => {
    ollama = await startVocabularyOllama(kind);
  }, BUILD_TIMEOUT_MS);
  afterAll(() => ollama[Symbol.asyncDispose]());

  it.each(models[kind])(
    'quotes what %s then counts, and so charges what the use is worth',
    { timeout: MEASURE_TIMEOUT_MS },
    async (model) => {
      const { url } = ollama.coordinates;
      const { wrong, counted } = await measure(kind, { driver: 'ollama', url, model }, 'ollama');
      expect(wrong).toEqual([]);
      expect(counted.length).toBeGreaterThan(requests.length * 0.7); // some models take no tools
      for (const { request, worthMsat, charged } of counted) expect(charged, request).toEqual(worthMsat);
    },
  );
});

describe('the estimator ollama, where Ollama renders no prompt', () => {
  let ollama: VocabularyOllama;
  beforeAll(async () => {
    ollama = await startVocabularyOllama('today');
  }, BUILD_TIMEOUT_MS);
  afterAll(() => ollama[Symbol.asyncDispose]());

  it.each(['llama3', 'qwen2.5', 'qwen3'])(
    'is right to 1 % for %s after 20 jobs',
    { timeout: MEASURE_TIMEOUT_MS },
    async (model) => {
      const wanted = { requests: ownRequests(), estimators: ['ollama'], tell: nobody };
      const upstream = { driver: 'ollama', url: ollama.coordinates.url, model } as const;
      const [errors] = await measureFallback('today', upstream, wanted);
      expect(errors?.requests).toBeGreaterThan(100);
      expect(errors?.mean).toBeLessThan(0.01);
    },
  );
});

describe("the estimator server, upon llama.cpp's own server", () => {
  it('quotes what the server then counts', { timeout: BUILD_TIMEOUT_MS }, async () => {
    const model = 'qwen2.5-jinja';
    await using server = await startLlamaServer(model);
    const upstream = { driver: 'openai', url: `${server.url}/v1`, model } as const;
    const { wrong, counted } = await measure('llama-server', upstream, 'server');
    expect(wrong).toEqual([]);
    expect(counted.length).toBeGreaterThan(requests.length * 0.7); // some models take no tools
  });
});
