import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { parseConfig } from '../../src/config/load.ts';
import { findPrice } from '../../src/pricing/price-list.ts';
import { findSale } from '../../src/pricing/sale.ts';

const directory = mkdtempSync(join(tmpdir(), 'lcp-lists-'));
const list = (name: string, text: string): string => {
  writeFileSync(join(directory, name), text);
  return name;
};
const RATE = 'rate: { source: fixed, currency: USD, per_bitcoin: 97123.45 }';
const load = (text: string): Config => parseConfig({ path: join(directory, 'config.yaml'), text }, {}).config;
const withList = (text: string, rest = RATE): Config =>
  load(`pricing: { lists: [${list('list.yaml', text)}], ${rest} }`);
const problemsOf = (read: () => unknown): string[] => {
  try {
    read();
  } catch (error) {
    return (error as Error).message.split('\n').map((line) => line.replaceAll(`${directory}/`, ''));
  }
  return [];
};

describe('a price list', () => {
  test('in sat is one in msat, to the msat', () => {
    const { lists } = withList(`currency: sat
models:
  a:
    price: { input_per_mtok: 100, cached_input_per_mtok: 25.5, output_per_mtok: "500.001", request: 0.2, image: 3, minimum: 5 }`).pricing;
    expect(findPrice(lists, 'a')?.price).toEqual({
      inputMsatPerMtok: 100_000n,
      cachedInputMsatPerMtok: 25_500n,
      outputMsatPerMtok: 500_001n,
      requestMsat: 200n,
      imageMsat: 3_000n,
      minimumMsat: 5_000n,
    });
  });

  test('in a currency keeps its amounts as they are written, digit by digit', () => {
    const { lists, rate } = withList(`currency: USD
models:
  a:
    price: { input_per_mtok: 0.1, output_per_mtok: 0.300000001, image: "0.002" }
  b:
    price: { currency: sat, request: 1 }
  c:
    price: { request_msat: 7 }`).pricing;
    expect(findPrice(lists, 'a')?.price).toEqual({
      currency: 'USD',
      inputNanoPerMtok: 100_000_000n,
      outputNanoPerMtok: 300_000_001n,
      requestNano: 0n,
      imageNano: 2_000_000n,
    });
    expect(findPrice(lists, 'b')?.price).toMatchObject({ requestMsat: 1_000n });
    expect(findPrice(lists, 'c')?.price).toMatchObject({ requestMsat: 7n, inputMsatPerMtok: 0n });
    expect(rate).toEqual({ source: 'fixed', currency: 'USD', nanoPerBitcoin: 97_123_450_000_000n });
  });

  test('may give a model other names; what the configuration says of it keeps them', () => {
    list('list.yaml', 'models: { big: { aliases: [large, 7], price: { request_msat: 1 } } }');
    const { lists } = load(
      'pricing: { lists: [list.yaml] }\nllm: { models: { big: { max_output_tokens: 9 } } }',
    ).pricing;
    expect(findSale(lists, 'large')).toMatchObject({ backendModel: 'big', entry: { maxOutputTokens: 9 } });
    expect(findSale(lists, '7')).toMatchObject({ backendModel: 'big' });
  });

  test.each([
    [
      'an amount without a currency',
      'models:\n  a:\n    price: { request: 5 }',
      'list.yaml:3:12: models.a.price: request has no currency. Cure: add currency: sat',
    ],
    [
      'an amount that is none',
      'currency: USD\nmodels:\n  a:\n    price: { request: five }',
      'list.yaml:4:23: models.a.price.request: expected an amount like 0.15, got "five". Cure: write digits',
    ],
    [
      'an amount with an exponent',
      'currency: USD\nmodels:\n  a:\n    price: { request: 1e-5 }',
      'list.yaml:4:23: models.a.price.request: expected an amount like 0.15, got 1e-5.',
    ],
    [
      'less than nothing',
      'currency: USD\nmodels:\n  a:\n    price: { request: -1 }',
      'list.yaml:4:23: models.a.price.request: expected an amount like 0.15, got -1.',
    ],
    [
      'a list where an amount belongs',
      'currency: USD\nmodels:\n  a:\n    price: { request: [1] }',
      'list.yaml:4:23: models.a.price.request: expected an amount like 0.15, got a list. Cure: write an amount like 0.15 (As request_msat, in currency)',
    ],
    [
      'sat that are finer than a msat',
      'currency: sat\nmodels:\n  a:\n    price: { request: 1.0005 }',
      'list.yaml:4:12: models.a.price: request is finer than 1 msat. Cure: round it',
    ],
    [
      'two kinds of keys',
      'currency: sat\nmodels:\n  a:\n    price: { request: 1, output_msat_per_mtok: 1 }',
      'list.yaml:4:12: models.a.price: output_msat_per_mtok and request stand together.',
    ],
    [
      'a currency with nothing in it',
      'models:\n  a:\n    price: { currency: sat, request_msat: 1 }',
      'list.yaml:3:12: models.a.price: a currency, and nothing that is counted in it.',
    ],
    [
      'a currency that is none',
      'currency: dollar\nmodels: {}',
      'list.yaml:1:11: currency: expected msat, sat, or a currency in three capital letters like USD',
    ],
    [
      'a price for one direction only',
      'models:\n  a:\n    price: { input_msat_per_mtok: 1 }',
      'list.yaml:3:12: models.a.price: says nothing of output. Cure: add output_msat_per_mtok or output_per_mtok',
    ],
    [
      'a price of nothing in a currency',
      'currency: USD\nmodels:\n  a:\n    price: { input_per_mtok: 0, output_per_mtok: 0.0 }',
      'list.yaml:4:12: models.a.price: everything costs 0.',
    ],
    [
      'a currency whose rate nobody tells',
      'currency: EUR\nmodels:\n  a:\n    price: { request: 1 }\n  b:\n    price: { request: 1 }',
      'list.yaml:4:12: models.a.price: this price is in EUR, and pricing.rate tells USD, not what a bitcoin costs in EUR. Cure: add pricing.rate',
    ],
    [
      'an alias of many models',
      'models:\n  "a*":\n    aliases: [b]\n    price: { request_msat: 1 }',
      'list.yaml:3:15: models["a*"].aliases[0]: an alias stands for one model, and * for many.',
    ],
    [
      'an alias with a star',
      'models:\n  a:\n    aliases: ["b*"]\n    price: { request_msat: 1 }',
      'list.yaml:3:15: models.a.aliases[0]: an alias is one name, got "b*". Cure: write it without *',
    ],
    [
      'an alias of two models',
      'models:\n  a: &m\n    aliases: [c]\n    price: { request_msat: 1 }\n  b: *m',
      'list.yaml:3:15: models.b.aliases[0]: a has this alias too. Cure: keep one of the two',
    ],
    [
      'an alias that is a model with a price',
      'models:\n  a:\n    aliases: [b]\n    price: { request_msat: 1 }\n  b:\n    price: { request_msat: 2 }',
      'list.yaml:3:15: models.a.aliases[0]: a model of this name has a price of its own.',
    ],
  ])('refuses %s, and says where and what to do', (_what, text, start) => {
    const found = problemsOf(() => withList(text));
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(start);
  });

  test.each([
    ['a key', 'models:\n  *:8b*:\n    price: { request_msat: 1 }\n', ['2:3 "*:8b*"']],
    ['a key before a mapping in brackets', 'models:\n  *embed*: { price: { request_msat: 1 } }\n', ['2:3 "*embed*"']],
    ['a star alone', 'models:\n  *: { price: { request_msat: 1 } }\n', ['2:3 "*"']],
    ['a key and a space', 'models:\n  *:8b* :\n    price: { request_msat: 1 }\n', ['2:3 "*:8b*"']],
    [
      'two keys with anchor and alias',
      'models:\n  "a": &a\n    price: { request_msat: 1 }\n  *:1b*: &small\n    price: { request_msat: 1 }\n  *:3b*: *small\n',
      ['4:3 "*:1b*"', '6:3 "*:3b*"'],
    ],
    [
      'a key in the middle',
      'models:\n  *8b*:\n    price: { request_msat: 1 }\n  x:\n    price: { request_msat: 3 }\n',
      ['2:3 "*8b*"'],
    ],
  ])('tells of %s without quotes that begins with a star, and of nothing else', (_what, text, places) => {
    const found = problemsOf(() => withList(text));
    expect(found).toHaveLength(places.length);
    for (const [index, place] of places.entries()) {
      const [at, key] = place.split(' ');
      expect(found[index]).toContain(
        `list.yaml:${at}: a text that begins with * needs quotes. Cure: put it in quotes: ${key}`,
      );
    }
  });

  test('tells a slip under an anchor once, and not what follows from it', () => {
    const entry = 'price: { input_msat_per_mtoc: 1, output_msat_per_mtok: 2 }';
    const found = problemsOf(() => withList(`models:\n  a: &m\n    ${entry}\n  b: *m\n  c: *m`));
    expect(found).toEqual([
      'list.yaml:3:14: models.a.price.input_msat_per_mtoc: unknown key (and 2 entries share it). Cure: rename it; did you mean input_msat_per_mtok?',
    ]);
  });

  test('tells of a value without quotes that begins with a star, and does not show it', () => {
    const bare = problemsOf(() => load('backends: [{ name: a, driver: ollama, models: [*] }]'));
    expect(bare).toEqual([expect.stringContaining('needs quotes. Cure: put it in quotes, like "*:8b*"')]);
    const named = problemsOf(() => load('backends: [{ name: a, driver: ollama, models: [*8b*] }]'));
    expect(named).toEqual([expect.stringContaining('where * stands for any characters, put the text in quotes')]);
  });

  test('refuses an alias that another file has too, or a model there, and names that file', () => {
    const first = list('first.yaml', 'models:\n  a:\n    aliases: [c]\n    price: { request_msat: 1 }');
    const second = list('second.yaml', 'models:\n  b:\n    aliases: [c, a]\n    price: { request_msat: 1 }');
    expect(problemsOf(() => load(`pricing: { lists: [${first}, ${second}] }`))).toEqual([
      expect.stringContaining('second.yaml:3:15: models.b.aliases[0]: a in first.yaml has this alias too.'),
      expect.stringContaining(
        `second.yaml:3:18: models.b.aliases[1]: a model of this name has a price of its own in first.yaml.`,
      ),
    ]);
  });

  test('names the files of its estimators from its own folder, and tells of one that is not there', () => {
    mkdirSync(join(directory, 'lists'));
    const named = (estimator: string) => {
      list('lists/mine.yaml', `models:\n  a:\n    estimator: ${estimator}\n    price: { request_msat: 1 }`);
      return () => load('pricing: { lists: [lists/mine.yaml] }');
    };
    list('lists/count.mjs', 'export const countTokens = () => 1;');
    expect(findPrice(named('{ module: count.mjs }')().pricing.lists, 'a')?.estimators).toEqual([
      { name: 'module', file: join(directory, 'lists', 'count.mjs') },
    ]);
    const [problem, ...others] = problemsOf(named('[bytes, { huggingface: count.mjs }, { huggingface: gone.json }]'));
    expect(problem).toMatch(
      /^lists\/mine\.yaml:3:67: models\.a\.estimator\[2\]\.huggingface: there is no such file: lists\/gone\.json\. Cure: /,
    );
    expect(others).toEqual([]);
  });

  test('without any rate in the configuration has no price in a currency', () => {
    const found = problemsOf(() => withList('currency: USD\nmodels:\n  a:\n    price: { request: 1 }', 'hours: null'));
    expect(found).toEqual([expect.stringContaining('nothing tells what a bitcoin costs in USD')]);
  });

  test('refuses in the configuration itself what it refuses in a file', () => {
    expect(problemsOf(() => load('llm: { models: { a: { price: { request: 1 } } } }'))[0]).toContain(
      'config.yaml:1:30: llm.models.a.price: request has no currency',
    );
    expect(
      problemsOf(() => load('llm: { models: { a: { aliases: [x, x], price: { request_msat: 1 } } } }'))[0],
    ).toContain('config.yaml:1:36: llm.models.a.aliases[1]: a has this alias too');
    expect(problemsOf(() => load('llm: { models: { a: { price: { currency: USD, request: 1 } } } }'))[0]).toContain(
      'config.yaml:1:30: llm.models.a.price: this price is in USD',
    );
  });
});

describe('pricing.rate', () => {
  test.each([
    ['source: fixed', 'pricing.rate: source fixed needs per_bitcoin. Cure: add per_bitcoin: 97123.45'],
    ['source: http', 'pricing.rate: source http needs url.'],
    ['source: file, path: a, url: "https://x"', 'pricing.rate.url: means nothing to source file.'],
    [
      'source: file, path: a, stale_seconds: 60',
      'pricing.rate.stale_seconds: expected more than cache_seconds (60), got 60.',
    ],
    ['source: http, url: "ftp://x"', 'pricing.rate.url: expected an http or https URL'],
    ['source: fixed, per_bitcoin: 0', 'pricing.rate.per_bitcoin: expected an amount above 0, like 97123.45, got 0.'],
    [
      'source: fixed, per_bitcoin: 1, currency: BTC',
      'pricing.rate.currency: expected a currency in three capital letters, got "BTC".',
    ],
    [
      'source: file, path: a, min_per_bitcoin: 5, max_per_bitcoin: 4',
      'pricing.rate.max_per_bitcoin: is below min_per_bitcoin (5).',
    ],
    ['source: guess', 'pricing.rate.source: expected one of fixed, file, http, got "guess".'],
  ])('with { %s } is refused', (rate, text) => {
    expect(problemsOf(() => load(`pricing: { rate: { ${rate} } }`)).join('\n')).toContain(text);
  });

  test('has its defaults and a path relative to the file', () => {
    expect(load('pricing: { rate: { source: file, path: r.txt, max_per_bitcoin: 5 } }').pricing.rate).toEqual({
      source: 'file',
      path: join(directory, 'r.txt'),
      currency: 'USD',
      cacheSeconds: 60,
      timeoutSeconds: 10,
      staleSeconds: 3600,
      bounds: { max: 5_000_000_000n },
    });
  });
});

describe('pricing.hours', () => {
  const hours = (text: string) => load(`pricing: { hours: ${text} }`).pricing.hours;

  test('are minutes of the day, by a time zone', () => {
    expect(hours('{ time_zone: UTC, windows: [{ from: 22:00, to: "6:30", multiplier_bps: 8000 }] }')).toEqual({
      timeZone: 'UTC',
      windows: [{ fromMinute: 1_320, toMinute: 390, multiplierBps: 8_000 }],
    });
  });

  test.each([
    ['{ windows: [] }', 'pricing.hours.windows: expected at least one entry'],
    ['{ time_zone: Mars/Base, windows: [{ from: "1:00", to: "2:00", multiplier_bps: 100 }] }', 'no such time zone'],
    ['{ windows: [{ from: "25:00", to: "2:00", multiplier_bps: 100 }] }', 'from: expected a time of day like 22:00'],
    [
      '{ windows: [{ from: "1:00", to: "1:00", multiplier_bps: 100 }] }',
      'windows[0].to: a window that ends when it begins',
    ],
    [
      '{ windows: [{ from: "1:00", to: "2:00", multiplier_bps: 0 }] }',
      'multiplier_bps: expected a whole number from 100',
    ],
  ])('%s are refused', (text, message) => {
    expect(problemsOf(() => hours(text)).join('\n')).toContain(message);
  });
});

test('every price list that comes with the program loads', () => {
  const root = fileURLToPath(new URL('../../', import.meta.url));
  for (const name of readdirSync(join(root, 'pricing'))) {
    const text = `pricing: { lists: [pricing/${name}], ${RATE} }`;
    const { lists } = parseConfig({ path: join(root, 'config.yaml'), text }, {}).config.pricing;
    expect(lists[0]?.entries.length, name).toBeGreaterThan(1);
  }
});
