import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { expand } from '../../src/config/expansion.ts';
import { configJsonSchema } from '../../src/config/json-schema.ts';
import { suggestion } from '../../src/config/suggestion.ts';
import { httpUrl, ollamaUrl } from '../../src/config/url.ts';

describe('a variable', () => {
  const env = { A: 'x', EMPTY: '', LOOP: '${A}' };
  it.each([
    ['plain', 'plain'],
    ['${A}', 'x'],
    ['<${A}${A}>', '<xx>'],
    ['${A:-d}', 'x'],
    ['${NO:-d}', 'd'],
    ['${EMPTY:-d}', 'd'],
    ['${EMPTY}', ''],
    ['${NO:-}', ''],
    ['${NO:-${A}}', 'x'],
    ['${A:-${NO}}', 'x'],
    ['$${A}', '${A}'],
    ['$A $', '$A $'],
    ['${LOOP}', '${A}'],
    ['${NO:-http://h:1/a}', 'http://h:1/a'],
  ])('%j becomes %j', (source, text) => expect(expand(source, env)).toMatchObject({ kind: 'expanded', text }));
  it.each(['${NO}', '${NO:-${NO}}', '${constructor}'])('%j is missing', (source) =>
    expect(expand(source, env).kind).toBe('missing'),
  );
  it.each(['${', '${A', '${}', '${1}', '${A-b}', '${A:-b', '${A:b}'])('%j is malformed', (source) =>
    expect(expand(source, env).kind).toBe('malformed'),
  );
});

describe("Ollama's address", () => {
  it.each([
    ['127.0.0.1:11434', 'http://127.0.0.1:11434'],
    ['0.0.0.0', 'http://127.0.0.1:11434'],
    ['0.0.0.0:8080', 'http://127.0.0.1:8080'],
    [':1234', 'http://127.0.0.1:1234'],
    ['[::]:1234', 'http://[::1]:1234'],
    ['gpu.lan', 'http://gpu.lan:11434'],
    ['http://gpu.lan', 'http://gpu.lan'],
    ['https://gpu.lan/ollama/', 'https://gpu.lan/ollama'],
    [' "127.0.0.1:1" ', 'http://127.0.0.1:1'],
  ])('%j is %j', (written, url) => expect(ollamaUrl(written)).toBe(url));
  it.each(['', 'ftp://x', 'a b', 'http://u:p@x', 'x:99999'])('%j is none', (written) =>
    expect(ollamaUrl(written)).toBeUndefined(),
  );
  it('of an OpenAI-compatible server is a plain http URL', () => {
    expect(httpUrl('http://127.0.0.1:8000/v1/')).toBe('http://127.0.0.1:8000/v1');
    for (const bad of ['x', 'http://u:p@x', 'http://x/?key=1', 'file:///x']) expect(httpUrl(bad)).toBeUndefined();
  });
});

describe('a suggestion', () => {
  it.each([
    ['qoute', 'quote_ttl_seconds'],
    ['quoteTtlSeconds', 'quote_ttl_seconds'],
    ['enabeld', 'enabled'],
    ['zzz', undefined],
    ['x'.repeat(1000), undefined],
  ])('for %j is %j', (word, expected) =>
    expect(suggestion(word, ['enabled', 'quote_ttl_seconds', 'log'])).toBe(expected),
  );
});

describe('config.schema.json', () => {
  it('is what the code gives; else run: npm run docs', () =>
    expect(readFileSync(new URL('../../config.schema.json', import.meta.url), 'utf8')).toBe(configJsonSchema()));
  it('describes every key', () => {
    const bare: string[] = [];
    const visit = (name: string, value: unknown): void => {
      if (typeof value !== 'object' || value === null) return;
      for (const [key, entry] of Object.entries(value)) {
        if (key === 'properties')
          for (const [property, schema] of Object.entries(entry as Record<string, object>))
            if (!('description' in schema)) bare.push(`${name}.${property}`);
        visit(`${name}.${key}`, entry);
      }
    };
    visit('', JSON.parse(configJsonSchema()));
    expect(bare).toEqual([]);
  });
});
