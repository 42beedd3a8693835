import { CannotCount } from '../estimator.ts';
import type { FragmentCounter } from './fragment-counter.ts';
import { createLetterCounter } from './letter-counter.ts';
import { createPairCounter } from './pair-counter.ts';
import { fragmentsOf, specialTokensOf } from './special-tokens.ts';
import { createUnigramCounter } from './unigram-counter.ts';
import type { Engine, Vocabulary, VocabularyKind } from './vocabulary.ts';
import { createWordCounter } from './word-counter.ts';

/** Tells how many tokens an engine makes of text. */
export interface Tokenizer {
  /** Without what is put before and behind a whole prompt. Counting stops above the limit. */
  count(text: string, limit?: number): number;
}

/** Undefined: how the engine splits text for it is not known. */
const counters: Readonly<
  Record<VocabularyKind, (vocabulary: Vocabulary, engine: Engine) => FragmentCounter | undefined>
> = {
  gpt2: createPairCounter,
  gemma4: createLetterCounter,
  llama: createLetterCounter,
  bert: createWordCounter,
  t5: createUnigramCounter,
};

/** Throws CannotCount when this program does not know exactly how the engine splits text for this vocabulary. */
export function createTokenizer(vocabulary: Vocabulary, engine: Engine): Tokenizer {
  const special = specialTokensOf(vocabulary, engine);
  const countFragment = counters[vocabulary.kind](vocabulary, engine);
  if (countFragment === undefined)
    throw new CannotCount(`how it splits text ("${vocabulary.pre}") is not known exactly`);
  return {
    count: (text, limit = Number.POSITIVE_INFINITY) => {
      let tokens = 0;
      let isFirst = true;
      // What reaches a server has no half surrogates.
      for (const fragment of fragmentsOf(text.toWellFormed(), special)) {
        tokens += fragment === undefined ? 1 : countFragment(fragment, isFirst, limit - tokens);
        isFirst = fragment === undefined;
        if (tokens > limit) break;
      }
      return tokens;
    },
  };
}
