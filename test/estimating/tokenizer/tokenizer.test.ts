import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CannotCount } from '../../../src/estimating/estimator.ts';
import { createTokenizer } from '../../../src/estimating/tokenizer/tokenizer.ts';
import type { Tokenizer } from '../../../src/estimating/tokenizer/tokenizer.ts';
import { readVocabulary } from '../../../src/estimating/tokenizer/vocabulary.ts';
import type { Engine, Vocabulary } from '../../../src/estimating/tokenizer/vocabulary.ts';
import { likeliestCount, referenceCount } from './reference-tokenizer.ts';
import { pieceVocabulary, wordVocabulary } from './sample-embedding-vocabularies.ts';
import { bytePairVocabulary, letterVocabulary } from './sample-vocabularies.ts';
import type { Shown } from './sample-vocabularies.ts';

/** What real servers made of texts: llama.cpp in Ollama 0.33.2, and the own engine of Ollama 0.17.4. null: a word is too long to be counted for it. */
const recorded = JSON.parse(readFileSync(join(import.meta.dirname, 'recorded-counts.json'), 'utf8')) as {
  texts: string[];
  counts: Record<Engine, Record<string, (number | null)[]>>;
};

const vocabularyOf = (shown: Shown): Vocabulary => readVocabulary(JSON.stringify(shown));
const samples: Readonly<Record<string, () => Shown>> = {
  letters: letterVocabulary,
  pieces: pieceVocabulary,
  words: () => wordVocabulary('bert'),
  // Ollama's own engine does not lower the case of this architecture.
  'cased words': () => wordVocabulary('nomic-bert'),
};
const named = (name: string): Vocabulary => vocabularyOf(samples[name]?.() ?? bytePairVocabulary(name));

function countOrNull(tokenizer: Tokenizer, text: string): number | null {
  try {
    return tokenizer.count(text);
  } catch (error) {
    if (!(error instanceof CannotCount)) throw error;
    return null;
  }
}

describe.each(Object.entries(recorded.counts) as [Engine, Record<string, (number | null)[]>][])(
  'recorded counts of %s',
  (engine, counts) => {
    test.each(Object.entries(counts))('%s', (name, expected) => {
      const tokenizer = createTokenizer(named(name), engine);
      const wrong = recorded.texts.flatMap((text, at) => {
        const counted = countOrNull(tokenizer, text);
        return counted === expected[at] ? [] : [{ text: text.slice(0, 80), counted, expected: expected[at] }];
      });
      expect(wrong).toEqual([]);
    });
  },
);

/** Vocabularies of a few letters, so that merges meet and hinder each other. */
const small = fc
  .uniqueArray(fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 2, maxLength: 5 }), { maxLength: 14 })
  .map((words): Shown['model_info'] => {
    const tokens = ['a', 'b', 'c', ...words];
    const isToken = new Set(tokens);
    const merges = words.flatMap((word) => {
      const cut = [1, 2, 3, 4].find((at) => isToken.has(word.slice(0, at)) && isToken.has(word.slice(at)));
      return cut === undefined ? [] : [`${word.slice(0, cut)} ${word.slice(cut)}`];
    });
    return {
      'tokenizer.ggml.tokens': tokens,
      'tokenizer.ggml.token_type': tokens.map(() => 1),
      'tokenizer.ggml.scores': tokens.map((_, id) => -(id >> 1)),
      'tokenizer.ggml.merges': ['never never', ...merges],
      'tokenizer.ggml.pre': 'llama-bpe',
    };
  });
const row = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 60 });

describe('whatever the vocabulary and the text', () => {
  test('bytes merge as in a slow and simple tokenizer, for both engines', () => {
    fc.assert(
      fc.property(small, row, fc.constantFrom<Engine>('llama.cpp', 'ollama'), (info, text, engine) => {
        const vocabulary = vocabularyOf({ model_info: { ...info, 'tokenizer.ggml.model': 'gpt2' } });
        fc.pre(!vocabulary.tokens.includes(text)); // then no merge is needed
        const expected = referenceCount(vocabulary, text, engine === 'ollama' ? 'heap' : 'leftmost');
        expect(createTokenizer(vocabulary, engine).count(text)).toBe(expected);
      }),
      { numRuns: 1000 },
    );
  });

  test('letters merge as in a slow and simple tokenizer', () => {
    fc.assert(
      fc.property(small, row, (info, text) => {
        const vocabulary = vocabularyOf({
          model_info: { ...info, 'tokenizer.ggml.model': 'llama', 'tokenizer.ggml.add_space_prefix': false },
        });
        expect(createTokenizer(vocabulary, 'llama.cpp').count(text)).toBe(referenceCount(vocabulary, text, 'leftmost'));
      }),
      { numRuns: 1000 },
    );
  });

  test('pieces are the likeliest, as in a slow and simple tokenizer', () => {
    const scores = fc.array(fc.integer({ min: -9, max: -1 }), { minLength: 20, maxLength: 20 });
    fc.assert(
      fc.property(small, scores, row, (info, likelihoods, text) => {
        // Two letters only: the third one is unknown where no piece has it.
        const tokens = (info['tokenizer.ggml.tokens'] as string[]).map((token) => (token === 'c' ? '▁' : token));
        const vocabulary = vocabularyOf({
          model_info: {
            'tokenizer.ggml.model': 't5',
            'tokenizer.ggml.tokens': tokens,
            'tokenizer.ggml.token_type': tokens.map(() => 1),
            'tokenizer.ggml.scores': tokens.map((_, id) => likelihoods[id] ?? -5),
            'tokenizer.ggml.remove_extra_whitespaces': true,
          },
        });
        expect(createTokenizer(vocabulary, 'llama.cpp').count(text)).toBe(likeliestCount(vocabulary, `▁${text}`));
      }),
      { numRuns: 1000 },
    );
  });

  test.each(['gpt2', 'llama'])('a long row merges as short ones do: %s', (model) => {
    // Longer than what is merged with a heap; the last letters keep its merges from repeating.
    fc.assert(
      fc.property(small, row, (info, text) => {
        const vocabulary = vocabularyOf({
          model_info: { ...info, 'tokenizer.ggml.model': model, 'tokenizer.ggml.add_space_prefix': false },
        });
        const long = text.repeat(Math.ceil(4200 / text.length)) + 'abcab';
        const parts = createTokenizer(vocabulary, 'llama.cpp').count(long);
        expect(parts).toBe(referenceCount(vocabulary, long, 'leftmost'));
      }),
      { numRuns: 5 },
    );
  });

  test('a token is no less than a byte, and counting stops above the limit', () => {
    const tokenizers = [named('qwen2'), named('letters'), named('words')].flatMap((vocabulary) => [
      createTokenizer(vocabulary, 'llama.cpp'),
      createTokenizer(vocabulary, 'ollama'),
    ]);
    // Of these, a code point may become several pieces.
    const pieces = createTokenizer(named('pieces'), 'llama.cpp');
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), fc.nat(30), (text, limit) => {
        for (const tokenizer of [...tokenizers, pieces]) {
          const tokens = tokenizer.count(text);
          // A space may be put before the text.
          if (tokenizer !== pieces) expect(tokens).toBeLessThanOrEqual(Buffer.byteLength(text) + 1);
          const limited = tokenizer.count(text, limit);
          if (tokens <= limit) expect(limited).toBe(tokens);
          else expect(limited).toBeGreaterThan(limit);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('what is not known exactly is not counted', () => {
  test('a way of splitting text', () => {
    expect(() => createTokenizer(named('kimi-k2'), 'llama.cpp')).toThrow(CannotCount);
    expect(() => createTokenizer(named('falcon'), 'ollama')).toThrow(CannotCount);
    expect(() => createTokenizer(named('words'), 'older llama.cpp')).toThrow(CannotCount);
    expect(() => createTokenizer(named('pieces'), 'ollama')).toThrow(CannotCount);
  });

  test("a word that Ollama's own engine takes long for, however few tokens it is", () => {
    const tokenizer = createTokenizer(named('words'), 'ollama');
    expect(tokenizer.count('☃'.repeat(200))).toBe(1);
    expect(() => tokenizer.count('☃'.repeat(300))).toThrow(CannotCount);
  });

  test('a kind of vocabulary, or none', () => {
    for (const model of ['rwkv', 'no_vocab', undefined]) {
      const shown = { model_info: { ...bytePairVocabulary('qwen2').model_info, 'tokenizer.ggml.model': model } };
      expect(() => vocabularyOf(shown)).toThrow(CannotCount);
    }
    expect(() => vocabularyOf({ model_info: { 'tokenizer.ggml.model': 'gpt2' } })).toThrow(CannotCount);
  });
});

test('hostile text of a megabyte takes no more than linear time, about', () => {
  const tokenizers = ['llama-bpe', 'letters', 'words', 'pieces'].map((name) =>
    createTokenizer(named(name), 'llama.cpp'),
  );
  const timeOf = (text: string): number => {
    const before = process.cpuUsage();
    for (const tokenizer of tokenizers) tokenizer.count(text);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
  for (const unit of ['a', '漢', '\n', ' ', '👩‍👩‍👧‍👦', '<|im_', '<|im_start|>', 'ab', ' \n', 'a☃', '[CLS]']) {
    const text = (bytes: number): string => unit.repeat(Math.ceil(bytes / Buffer.byteLength(unit)));
    timeOf(text(20_000));
    expect(timeOf(text(1_000_000))).toBeLessThan(5_000);
  }
});
