import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import { ConfigError } from '../../src/config/problem.ts';

const problems = (text: string, env: Record<string, string> = {}, path = 'config.yaml'): string[] => {
  try {
    parseConfig({ path, text }, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n');
    throw error;
  }
  return [];
};

type Case = readonly [sentence: string, yaml: string, starts: readonly string[], env?: Record<string, string>];

const CASES: readonly Case[] = [
  [
    'a text where a number belongs',
    'quote_ttl_seconds: "soon"',
    [
      'config.yaml:1:20: quote_ttl_seconds: expected a whole number from 0 to 600, got "soon". Cure: write for example 300',
    ],
  ],
  [
    'a quoted number where a number belongs',
    'min_price_msat: "2000"',
    ['config.yaml:1:17: min_price_msat: expected a whole number from 1000'],
  ],
  [
    'a fraction where a whole number belongs',
    'quote_ttl_seconds: 1.5',
    ['config.yaml:1:20: quote_ttl_seconds: expected a whole number from 0 to 600, got 1.5.'],
  ],
  [
    'a price below what a channel carries',
    '\nmin_price_msat: 999',
    ['config.yaml:2:17: min_price_msat: expected a whole number from 1000'],
  ],
  [
    'an unknown key, with a suggestion',
    'enabled: false\nquote_ttl: 5',
    ['config.yaml:2:1: quote_ttl: unknown key. Cure: rename it; did you mean quote_ttl_seconds?'],
  ],
  [
    'swapped letters in a nested key',
    'limits:\n  queue_lenght: 5',
    ['config.yaml:2:3: limits.queue_lenght: unknown key. Cure: rename it; did you mean queue_length?'],
  ],
  [
    'an unknown key that resembles nothing',
    'log: { zzz: 1 }',
    ['config.yaml:1:8: log.zzz: unknown key. Cure: remove it; the keys in log are level, pretty.'],
  ],
  [
    'a request field that changes the price',
    'llm:\n  allowed_request_fields: [min_tokens, best_of]',
    ['config.yaml:2:40: llm.allowed_request_fields[1]: this field can not be allowed'],
  ],
  ['a duplicate key', 'enabled: true\nenabled: false', ['config.yaml:2:1: this key stands here twice. Cure: keep one']],
  ['a tab', 'log:\n\tlevel: info', ['config.yaml:2:1: a tab indents this line.']],
  [
    'a bracket that is not closed',
    'backends: [',
    ['config.yaml:1:12: the indentation is wrong, or a bracket is not closed'],
  ],
  ['a list where a mapping belongs', 'limits: [1]', ['config.yaml:1:9: limits: expected a mapping, got a list.']],
  ['a text at the top', 'hello', ['config.yaml:1:1: expected a mapping, got a text']],
  [
    'an unknown driver',
    'backends:\n  - { name: a, driver: foo }',
    ['config.yaml:2:24: backends[0].driver: expected one of ollama, openai, demo, got "foo".'],
  ],
  [
    'a driver with a slip',
    'backends:\n  - { name: a, driver: Ollama }',
    [
      'config.yaml:2:24: backends[0].driver: expected one of ollama, openai, demo, got "Ollama". Cure: did you mean ollama?',
    ],
  ],
  [
    'a word that is nearly one of those known',
    'log:\n  level: warning\nllm:\n  models:\n    a: { capabilities: [embeddings] }',
    [
      'config.yaml:2:10: log.level: expected one of trace, debug, info, warn, error, fatal, silent, got "warning". Cure: did you mean warn?',
      'config.yaml:5:25: llm.models.a.capabilities[0]: expected one of completion, embedding, vision, got "embeddings". Cure: did you mean embedding?',
    ],
  ],
  [
    'an estimator with a slip',
    'llm: { estimator: ollma }',
    ['config.yaml:1:19: llm.estimator: expected one of ollama, server,'],
  ],
  [
    'a slip in the second estimator of a list, and in the name of a key',
    'llm: { estimator: [bytes, ollma], models: { a: { estimator: { huggingfase: x } } } }',
    [
      'config.yaml:1:27: llm.estimator[1]: expected one of ollama, server, openai, {huggingface: tokenizer.json}, {module: file}, bytes, {fixed: tokens}, got "ollma". Cure: did you mean ollama?',
      'config.yaml:1:61: llm.models.a.estimator: expected one of ollama, server, openai, {huggingface: tokenizer.json}, {module: file}, bytes, {fixed: tokens}, or a list of these. Cure: did you mean huggingface?',
    ],
  ],
  [
    'no estimator',
    'llm: { estimator: [] }',
    ['config.yaml:1:19: llm.estimator: expected at least one entry, got an empty list. Cure: add an entry'],
  ],
  [
    'a tokenizer that is not there',
    'llm:\n  estimator: { huggingface: ./nowhere/tokenizer.json }',
    [
      `config.yaml:2:29: llm.estimator.huggingface: there is no such file: ${resolve('nowhere/tokenizer.json')}. Cure: put the file there; its name is relative to this file.`,
    ],
  ],
  [
    'a module that is a folder, behind estimators that are sound, of one model',
    `llm:\n  models:\n    gpt-5.2:\n      estimator:\n        - openai\n        - module: ${tmpdir()}`,
    [
      'config.yaml:6:19: llm.models["gpt-5.2"].estimator[1].module: ' +
        `${tmpdir()} is no file, but a folder. Cure: name a file in it.`,
    ],
  ],
  [
    'a backend without driver',
    'backends:\n  - name: a',
    ['config.yaml:2:5: backends[0].driver: expected one of ollama, openai, demo, got nothing.'],
  ],
  [
    'an openai backend without url',
    'backends:\n  - { name: a, driver: openai }',
    ['config.yaml:2:5: backends[0].url: is missing'],
  ],
  [
    'a url of another scheme',
    'backends:\n  - { name: a, driver: openai, url: ftp://x }',
    ['config.yaml:2:37: backends[0].url: expected an http or https URL'],
  ],
  [
    'two backends of one name',
    'backends:\n  - { name: a, driver: demo }\n  - { name: a, driver: demo }',
    ['config.yaml:3:13: backends[1].name: backends[0] has this name too.'],
  ],
  [
    'a variable that is not set',
    'data_directory: "${NOWHERE}/x"',
    [
      'config.yaml:1:17: data_directory: the environment variable NOWHERE is not set. Cure: set it, or give a default: ${NOWHERE:-default}.',
    ],
  ],
  [
    'a variable that is not closed',
    'data_directory: "${NOWHERE"',
    ['config.yaml:1:17: data_directory: a variable is not written as ${NAME}'],
  ],
  [
    'a variable of the wrong content, shown by name only',
    'quote_ttl_seconds: ${TTL}',
    ['config.yaml:1:20: quote_ttl_seconds: expected a whole number from 0 to 600, got "${TTL}".'],
    { TTL: 'hunter2' },
  ],
  ['an alias without anchor', 'log: *nobody', ['config.yaml:1:6: log: this alias has no anchor.']],
  ['an alias that holds itself', 'log: &a [*a]', ['config.yaml:1:']],
  [
    'a price of 0 for everything',
    'llm: { models: { tiny: { price: { input_msat_per_mtok: 0, output_msat_per_mtok: 0 } } } }',
    ['config.yaml:1:33: llm.models.tiny.price: everything costs 0.'],
  ],
  [
    'a model without price and without price list',
    'llm:\n  models:\n    tiny: {}',
    ['config.yaml:3:11: llm.models.tiny: this model has no price, '],
  ],
  [
    'a price list that is not there',
    'pricing:\n  lists:\n    - nowhere.yaml',
    [
      `config.yaml:3:7: pricing.lists[0]: this price list can not be read: there is no such file: ${resolve('nowhere.yaml')}. Cure: put the file there`,
    ],
  ],
  [
    'a price list that is a folder',
    `pricing:\n  lists:\n    - ${tmpdir()}`,
    [
      `config.yaml:3:7: pricing.lists[0]: this price list can not be read: ${tmpdir()} is no file, but a folder. Cure: name a file in it.`,
    ],
  ],
  [
    'selling without Lightning node',
    'enabled: true\npricing: { lists: [] }\nllm: { models: { gpt-5.2: {} } }',
    ['config.yaml:1:1: lightning: is missing'],
  ],
  [
    'selling without prices',
    'enabled: true\nlightning: { driver: embedded }',
    ['config.yaml:1:1: pricing: nothing has a price'],
  ],
  [
    'selling over lnd without macaroon, and where lnd keeps it',
    'enabled: true\nlightning:\n  lnd: { socket: a:1 }\nllm: { models: { gpt-5.2: {} } }',
    [
      'config.yaml:3:8: lightning.lnd: lnd needs a macaroon. Cure: give macaroon_path or macaroon_hex, and cert_path; lnd keeps them in ~/.lnd',
    ],
  ],
  [
    'two macaroons',
    'lightning:\n  lnd: { macaroon_path: a, macaroon_hex: "02" }',
    ['config.yaml:2:42: lightning.lnd.macaroon_hex: stands next to macaroon_path.'],
  ],
  [
    'a network for the embedded node',
    'lightning:\n  embedded: { network: mainnet }',
    ['config.yaml:2:15: lightning.embedded.network: unknown key; the embedded node holds play money'],
  ],
  [
    'mainnet files next to the embedded node',
    'lightning:\n  driver: embedded\n  lnd: { macaroon_path: /x/mainnet/m }',
    ['config.yaml:3:25: lightning.lnd.macaroon_path: names mainnet'],
  ],
  [
    'a surge that would be a discount',
    'pricing: { in_flight_surge: { per_job_bps: 1, max_multiplier_bps: 9999 } }',
    ['config.yaml:1:67: pricing.in_flight_surge.max_multiplier_bps: expected 0 or at least 10000, got 9999.'],
  ],
  [
    'a spool smaller than one request and its answer',
    'spool:\n  max_bytes: 16777216\nlimits:\n  max_output_bytes: 16777217',
    [
      'config.yaml:2:14: spool.max_bytes: expected at least 22024194, for one request of limits.max_input_bytes (4194304), one answer of limits.max_output_bytes (16777217) and the marks',
    ],
  ],
  [
    'one peer that may not send one request',
    'limits:\n  input_memory_bytes_per_peer: 1024',
    [
      'config.yaml:2:32: limits.input_memory_bytes_per_peer: expected at least limits.max_input_bytes (4194304), got 1024.',
    ],
  ],
  ['a node id that is none', 'peers:\n  deny: [alice]', ['config.yaml:2:10: peers.deny[0]: expected a node id']],
  [
    'one port for two servers',
    'lightning: { embedded: { listen: "127.0.0.1:9737" } }',
    ['config.yaml:1:1: health.listen: lightning.embedded.listen has this port too.'],
  ],
  [
    'an address without port',
    'health:\n  listen: localhost',
    ['config.yaml:2:11: health.listen: expected an address and a port'],
  ],
  [
    'an OLLAMA_HOST that is no address',
    'backends: [{ name: a, driver: ollama }]',
    ['config.yaml:1:12: backends[0]: OLLAMA_HOST in the environment is no address.'],
    { OLLAMA_HOST: 'a b' },
  ],
];

describe('a configuration with a mistake', () => {
  it.each(CASES.map(([sentence, yaml, starts, env]) => ({ sentence, yaml, starts, env })))(
    'is refused with place and cure: $sentence',
    ({ yaml, starts, env }) => {
      const found = problems(yaml, env);
      expect(found.map((line, index) => line.slice(0, starts[index]?.length ?? line.length))).toEqual(starts);
      for (const line of found) expect(line).toMatch(/\. Cure: .+[.?]$/);
    },
  );

  it('tells every mistake at once, rules across keys included', () => {
    const found = problems('quote_ttl_seconds: x\nfoo: 1\nspool: { max_bytes: 2000 }\nlog: { level: loud }');
    expect(found.map((line) => /^config\.yaml:(\d+):/.exec(line)?.[1])).toEqual(['1', '2', '3', '3', '4']);
  });

  it('tells a mistake in a price list with the place there', () => {
    const directory = mkdtempSync(join(tmpdir(), 'config-'));
    writeFileSync(
      join(directory, 'mine.yaml'),
      'models:\n  a:\n    price:\n      input_msat_per_mtok: -1\n      output_msat_per_mtok: 1\n',
    );
    const path = join(directory, 'config.yaml');
    expect(problems('quote_ttl_seconds: x\npricing: { lists: [mine.yaml] }', {}, path)).toEqual([
      expect.stringContaining(`${path}:1:20: quote_ttl_seconds: `),
      expect.stringContaining(`${join(directory, 'mine.yaml')}:4:28: models.a.price.input_msat_per_mtok: `),
    ]);
  });
});

describe('a secret', () => {
  const SECRET = 'sk-0123456789abcdef0123456789abcdef';
  const HEX = '0201036c6e64022f030a10b493a60e861b6c8a0e0a854355b4320612071f9e0f70';
  it.each([
    ['an api_key of the wrong type', `backends: [{ name: a, driver: openai, url: http://x, api_key: [${SECRET}] }]`],
    ['an api_key under a wrong name', `backends: [{ name: a, driver: openai, url: http://x, apikey: ${SECRET} }]`],
    ['an api_key of another driver', `backends: [{ name: a, driver: demo, api_key: ${SECRET} }]`],
    ['a macaroon that is not hex', `lightning: { lnd: { macaroon_hex: ${SECRET} } }`],
    ['a macaroon without its space', `lightning:\n  lnd:\n    macaroon_hex:${HEX}`],
    ['a macaroon as key', `lightning:\n  lnd:\n    ${HEX}:`],
    ['a key in the wrong place', `quote_ttl_seconds: ${SECRET}`],
    ['a key after a star', `lightning:\n  lnd:\n    *${SECRET}:\n    macaroon_hex: *${SECRET}:`],
    ['a key in broken YAML', `backends:\n  - api_key: ${SECRET} : }\n ]`],
    ['a key in a broken quote', `backends:\n  - api_key: "${SECRET}\\q`],
    ['a user and password in a url', `backends: [{ name: a, driver: openai, url: "http://${SECRET}:x@host" }]`],
    ['a key from the environment', 'quote_ttl_seconds: ${KEY}\nlightning: { driver: "${KEY}" }'],
  ])('is never told: %s', (_, yaml) => {
    const text = problems(yaml, { KEY: SECRET }).join('\n');
    expect(text).not.toBe('');
    expect(text).not.toContain(SECRET.slice(0, 12));
    expect(text).not.toContain(HEX.slice(0, 12));
  });
});
