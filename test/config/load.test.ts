import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadConfig, parseConfig } from '../../src/config/load.ts';
import type { Config } from '../../src/config/config.ts';
import type { Environment } from '../../src/config/expansion.ts';
import { findPrice } from '../../src/pricing/price-list.ts';
import { ConfigError } from '../../src/config/problem.ts';

const read = (text: string, env: Environment = {}): Config =>
  parseConfig({ path: '/somewhere/config.yaml', text }, env).config;

function isFrozen(value: unknown): boolean {
  return (
    typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(isFrozen))
  );
}

describe('the example', () => {
  const path = fileURLToPath(new URL('../../config.example.yaml', import.meta.url));
  it('loads as it is, without warning, and its values are the defaults', () => {
    const { config, warnings } = loadConfig({ path, env: {} });
    expect(warnings).toEqual([]);
    const { limits, deadlines, spool, health, log, minPriceMsat, quoteTtlSeconds } = read('');
    expect(config).toMatchObject({ limits, deadlines, spool, health, log, minPriceMsat, quoteTtlSeconds });
    expect(config.lightning).toMatchObject({ driver: 'lnd', lnd: { socket: '127.0.0.1:10009' } });
    expect(config.pricing.lists[1]?.entries.length).toBeGreaterThan(10);
  });
  it('takes what the environment gives', () => {
    const env = { LND_GRPC_ENDPOINT: 'node:1', LND_MACAROON_PATH: '/m', OLLAMA_HOST: '0.0.0.0' };
    const { lightning, backends } = loadConfig({ path, env }).config;
    expect(lightning).toMatchObject({ lnd: { socket: 'node:1', macaroonPath: '/m' } });
    expect(backends[0]).toMatchObject({ url: 'http://127.0.0.1:11434' });
  });
  it('is frozen to the last leaf', () => expect(isFrozen(loadConfig({ path, env: {} }).config)).toBe(true));
  it('stands next to price lists that load', () => {
    for (const name of ['ollama', 'openai-compatible', 'demo'])
      expect(
        parseConfig({ path, text: `pricing: { lists: [pricing/${name}.yaml] }` }, {}).config.pricing.lists,
      ).toHaveLength(1);
  });
});

describe('a file that is not there', () => {
  it('is a ConfigError with a cure', () =>
    expect(() => loadConfig({ path: '/nowhere/config.yaml', env: {} })).toThrow(
      /^\/nowhere\/config\.yaml:1:1: there is no such file\. Cure: copy/,
    ));
});

describe('an empty file', () => {
  it('sells nothing', () =>
    expect(read('')).toMatchObject({ enabled: false, lightning: { driver: 'none' }, quoteTtlSeconds: 300 }));
  it.each(['# only a comment', 'llm:\npricing:\nlog:\n  level:\n', '--- {}'])('is also: %j', (text) =>
    expect(read(text)).toEqual(read('')),
  );
});

describe('types', () => {
  it('are those of the schema, whatever YAML guesses', () => {
    const config = read(
      'enabled: no\nquote_ttl_seconds: ${TTL}\nmin_price_msat: 1_000_000\nlog: { pretty: ${PRETTY} }\nbackends: [{ name: 7, driver: openai, url: http://x/v1/, api_key: 031234567890123456789012345678901234567890, slots: "${SLOTS:-3}" }]'.replace(
        '${PRETTY}',
        '"${PRETTY}"',
      ),
      { TTL: '60', PRETTY: 'true' },
    );
    expect(config).toMatchObject({
      enabled: false,
      quoteTtlSeconds: 60,
      minPriceMsat: 1_000_000n,
      log: { pretty: true },
    });
    expect(config.backends).toEqual([
      {
        name: '7',
        driver: 'openai',
        url: 'http://x/v1',
        apiKey: '031234567890123456789012345678901234567890',
        slots: 3,
        outputCapField: 'max_tokens',
      },
    ]);
  });
  it('of the kinds of work that a server takes are those that are sold; left out, the server is asked', () => {
    const backend = (more: string) => read(`backends: [{ name: a, driver: openai, url: http://x${more} }]`).backends[0];
    expect(backend(', task_kinds: [openai.chat_completions.v1]')).toMatchObject({
      taskKinds: ['openai.chat_completions.v1'],
    });
    expect(backend('')).not.toHaveProperty('taskKinds');
    expect(() => backend(', task_kinds: [chat]')).toThrow('backends[0].task_kinds[0]: expected one of openai.chat');
    expect(() => backend(', task_kinds: []')).toThrow('backends[0].task_kinds');
  });
  it.each([
    ['all digits', '021234567890123456789012345678901234567890123456789012345678901234'],
    [
      'digits with one e, which YAML takes for a float',
      '02123456789012345678901234567890123456789012345678901234567890e234',
    ],
  ])('keep an unquoted id of %s as it is written', (_, id) => {
    expect(read(`backends: [{ name: a, driver: ollama, models: [${id}] }]`).backends[0]).toMatchObject({
      models: [id],
    });
    const { lists } = read(
      `llm: { models: { ${id}: { price: { input_msat_per_mtok: 1, output_msat_per_mtok: 1 } } } }`,
    ).pricing;
    expect(lists[0]?.entries).toMatchObject([{ pattern: id }]);
  });
  it('take what expands to nothing as left out', () =>
    expect(
      read('data_directory: "${NO:-}"\nbackends: [{ name: a, driver: openai, url: http://x, api_key: "${KEY}" }]', {
        KEY: '',
      }),
    ).toMatchObject({
      dataDirectory: '/somewhere/data',
      backends: [expect.not.objectContaining({ apiKey: expect.anything() })],
    }));
});

describe('merge keys and aliases', () => {
  it('work, and keys of the mapping itself win', () => {
    const { backends } = read(
      'backends:\n  - &a { name: a, driver: demo, slots: 2, token_delay_ms: 1 }\n  - { <<: *a, name: b, slots: 3 }',
    );
    expect(backends[1]).toEqual({ name: 'b', driver: 'demo', slots: 3, tokenDelayMs: 1 });
  });
  it('of a list of mappings: the first wins', () => {
    const { backends } = read(
      'backends:\n  - &a { name: a, driver: demo, slots: 2 }\n  - &b { name: b, driver: demo, slots: 3, token_delay_ms: 9 }\n  - { <<: [*a, *b], name: c }',
    );
    expect(backends[2]).toMatchObject({ slots: 2, tokenDelayMs: 9 });
  });
  it('that grow without end are refused in time', () => {
    const bomb = Array.from(
      { length: 12 },
      (_, i) =>
        `k${i}: &x${i} [${Array(9)
          .fill(i === 0 ? '1' : `*x${i - 1}`)
          .join(', ')}]`,
    ).join('\n');
    expect(() => read(bomb)).toThrow(/aliases grow without end/);
  });
});

describe('llm.allowed_tool_types', () => {
  const allowedWith = (text: string) => read(text).llm.allowedToolTypes;
  const vllm = 'backends: [{ name: v, driver: openai, url: "http://v:1/v1" }]';
  it('is web_search where no backend runs a tool by itself, so that codex works', () =>
    expect(allowedWith('')).toEqual(['web_search']));
  it('is none where a server may run one', () => expect(allowedWith(vllm)).toEqual([]));
  it('is what is written', () => {
    expect(allowedWith('llm: { allowed_tool_types: [] }')).toEqual([]);
    expect(allowedWith(`${vllm}\nllm: { allowed_tool_types: [custom] }`)).toEqual(['custom']);
  });
});

describe('llm.models', () => {
  const path = fileURLToPath(new URL('../../config.example.yaml', import.meta.url));
  const own = (model: string) =>
    parseConfig({ path, text: `pricing: { lists: [pricing/demo.yaml] }\nllm: { models: { ${model} } }` }, {});
  it('counts before the price lists', () => {
    const { lists } = own('demo: { price: { input_msat_per_mtok: 1, output_msat_per_mtok: 2 } }').config.pricing;
    expect(findPrice(lists, 'demo')).toMatchObject({ maxOutputTokens: 1024, price: { inputMsatPerMtok: 1n } });
    expect(findPrice(lists, 'tiny-long')?.price).toMatchObject({ inputMsatPerMtok: 500_000n });
    expect(findPrice(lists, 'constructor')).toBeUndefined();
  });
  it('takes what it does not say from them', () =>
    expect(findPrice(own('tiny: { max_output_tokens: 7 }').config.pricing.lists, 'tiny')).toMatchObject({
      maxOutputTokens: 7,
      price: { outputMsatPerMtok: 2_000_000n },
    }));
  it('without a price anywhere is refused', () =>
    expect(() => own('other: {}')).toThrow(
      /:2:25: llm\.models\.other: this model has no price, neither here nor in a price list/,
    ));
});

describe('lnd', () => {
  const embedded = (text: string, env: Environment) => read(text, env).lightning;
  it('is found in the environment, under the names of go-lcpd too', () =>
    expect(
      embedded('', { LCPD_LND_RPC_ADDR: ' h:1 ', LCPD_LND_ADMIN_MACAROON_PATH: '/m', LCPD_LND_TLS_CERT_PATH: '/c' }),
    ).toEqual({
      driver: 'lnd',
      lnd: { socket: 'h:1', certPath: '/c', macaroonPath: '/m' },
      allowAdminMacaroon: false,
    }));
  it('is taken from the file first; a macaroon comes from one of them', () =>
    expect(
      embedded('lightning: { lnd: { socket: "f:2", macaroon_hex: "0201" } }', {
        LND_GRPC_ENDPOINT: 'h:1',
        LND_MACAROON_PATH: '/m',
      }),
    ).toEqual({
      driver: 'lnd',
      lnd: { socket: 'f:2', macaroonHex: '0201' },
      allowAdminMacaroon: false,
    }));
  it('has paths relative to the file', () =>
    expect(embedded('lightning: { lnd: { macaroon_path: m } }', {})).toMatchObject({
      lnd: { macaroonPath: '/somewhere/m' },
    }));
});

describe('any text', () => {
  it('loads or throws a ConfigError', () => {
    const word = fc.constantFrom(
      'enabled',
      'backends',
      'llm',
      'models',
      'price',
      'lightning',
      'lnd',
      'driver',
      'openai',
      '<<',
      '&a',
      '*a',
      '!!x',
      '${X}',
      '${',
      '$${',
      '}',
      '[',
      ']',
      '{',
      ':',
      ': ',
      '- ',
      '\n',
      '\n  ',
      '"',
      "'",
      '|',
      '?',
      '%',
      '#',
      ',',
      '1',
      '.nan',
      '-',
      '~',
      'true',
      '\t',
      '---\n',
      '__proto__',
      'constructor',
      '\ufeff',
      '\u0000',
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(word, { maxLength: 40 }).map((words) => words.join('')),
    );
    fc.assert(
      fc.property(text, (yaml) => {
        try {
          expect(isFrozen(read(yaml))).toBe(true);
        } catch (error) {
          if (!(error instanceof ConfigError)) throw error;
        }
      }),
      { numRuns: 3000 },
    );
  });
  it('nested without end is a ConfigError', () => {
    for (const yaml of [
      '['.repeat(50_000),
      '{a: '.repeat(5000),
      '- '.repeat(20_000),
      'a:\n' + Array.from({ length: 300 }, (_, i) => `${' '.repeat(i + 1)}a:`).join('\n'),
    ])
      expect(() => read(yaml)).toThrow(ConfigError);
  });
});
