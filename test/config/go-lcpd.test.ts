import { describe, expect, it } from 'vitest';
import { findPrice } from '../../src/pricing/price-list.ts';
import { parseConfig } from '../../src/config/load.ts';

const load = (text: string, env: Record<string, string> = {}) => parseConfig({ path: '/x/config.yaml', text }, env);
const prices = (text: string) => load(text).config.pricing.lists[0]?.entries ?? [];
const PRICE = 'price: { input_msat_per_mtok: 1, output_msat_per_mtok: 2 }';
const GPT = {
  inputMsatPerMtok: 1_750_000n,
  cachedInputMsatPerMtok: 175_000n,
  outputMsatPerMtok: 14_000_000n,
  requestMsat: 0n,
};

describe("go-lcpd's provider file", () => {
  it('loads unchanged', () => {
    const { config, warnings } = load(
      `enabled: true
quote_ttl_seconds: 60
llm:
  max_output_tokens: 512
  models:
    gpt-5.2:
      max_output_tokens: 256
      price:
        input_msat_per_mtok: 1750000
        cached_input_msat_per_mtok: 175000
        output_msat_per_mtok: 14000000
pricing:
  in_flight_surge:
    threshold: 2
    per_job_bps: 500 # +5%
    max_multiplier_bps: 20000
`,
      {
        LCPD_LND_RPC_ADDR: 'localhost:10009',
        LCPD_LND_MACAROON_PATH: '/m',
        LCPD_BACKEND: 'openai',
        OPENAI_API_KEY: 'k',
        LCPD_LOG_LEVEL: 'debug',
      },
    );
    expect(warnings).toEqual([]);
    expect(config).toMatchObject({
      enabled: true,
      quoteTtlSeconds: 60,
      llm: { maxOutputTokens: 512 },
      pricing: {
        lists: [{ entries: [{ pattern: 'gpt-5.2', maxOutputTokens: 256, price: GPT }] }],
        inFlightSurge: { threshold: 2, perJobBps: 500, maxMultiplierBps: 20_000 },
      },
      backends: [{ driver: 'openai', url: 'https://api.openai.com/v1', apiKey: 'k' }],
      log: { level: 'debug' },
    });
  });
  it.each([
    ['0 seconds are the default', 'quote_ttl_seconds: 0', { quoteTtlSeconds: 300 }],
    [
      'a multiplier of 0 is the default',
      'pricing: { in_flight_surge: { per_job_bps: 1, max_multiplier_bps: 0 } }',
      { pricing: { inFlightSurge: { threshold: 0, maxMultiplierBps: 30_000 } } },
    ],
    [
      'without per_job_bps there is no surge',
      'pricing: { in_flight_surge: { threshold: 1, max_multiplier_bps: 5 } }',
      { pricing: {} },
    ],
    [
      'a model without price has the built-in one',
      'llm:\n  models:\n    gpt-5.2:',
      { pricing: { lists: [{ entries: [{ pattern: 'gpt-5.2', price: GPT }] }] } },
    ],
    [
      'the key model names the model',
      `llm: { models: { a: { model: b, ${PRICE} } } }`,
      { pricing: { lists: [{ entries: [{ pattern: 'b' }] }] } },
    ],
    [
      'the key profile does too',
      `llm: { models: { a: { profile: b, ${PRICE} } } }`,
      { pricing: { lists: [{ entries: [{ pattern: 'b' }] }] } },
    ],
    ['YAML 1.1 booleans', 'enabled: off', { enabled: false }],
  ])('means the same: %s', (_, text, expected) => expect(load(text).config).toMatchObject(expected));

  it.each([
    [
      'supported_models',
      'supported_models: [m]\nllm: { price_table: { m: { input_msat_per_mtok: 1, output_msat_per_mtok: 2 } } }',
      2,
    ],
    [
      'supported_llm_chat_profiles',
      'supported_llm_chat_profiles: [gpt-5.2, m]\nllm: { price_table: { m: { input_msat_per_mtok: 1, output_msat_per_mtok: 2 } } }',
      2,
    ],
    ['chat_profiles', `llm: { chat_profiles: { m: { ${PRICE} } } }`, 1],
  ])('loads with a warning where it uses the deprecated key %s', (_, text, warnings) => {
    const loaded = load(text);
    expect(loaded.warnings).toHaveLength(warnings);
    expect(loaded.warnings[0]).toMatch(/^\/x\/config\.yaml:\d+:\d+: .*is deprecated\. Cure: /);
    expect(findPrice(loaded.config.pricing.lists, 'm')?.price).toMatchObject({
      inputMsatPerMtok: 1n,
      outputMsatPerMtok: 2n,
    });
  });
  it('ignores chat_profiles where llm.models names models', () =>
    expect(prices(`llm: { models: { a: { ${PRICE} } }, chat_profiles: { b: { ${PRICE} } } }`)).toMatchObject([
      { pattern: 'a' },
    ]));
  it('refuses a model that is named twice', () =>
    expect(() => load(`llm: { models: { a: { ${PRICE} }, b: { model: a, ${PRICE} } } }`)).toThrow(
      /1:\d+: llm\.models\.b: this model is named twice/,
    ));
});
