import { Charsmap } from './charsmap.ts';
import type { FragmentCounter } from './fragment-counter.ts';
import { LikeliestPath } from './likeliest-path.ts';
import { TokenTree } from './token-tree.ts';
import { tokenType } from './vocabulary.ts';
import type { Engine, Vocabulary } from './vocabulary.ts';

const SPACE = 0x20;
const SPACE_LETTER = Buffer.from('▁');
/** Added to the lowest score of a token: that of an unknown one. */
const UNKNOWN_PENALTY = -10;
const NO_TEXT = '\ufffd';
const BYTES_BETWEEN_LOOKS = 4096;

/** For vocabularies of pieces with likelihoods (SentencePiece's unigram): the text is normalised by a table, then cut the likeliest way. */
export function createUnigramCounter(vocabulary: Vocabulary, engine: Engine): FragmentCounter | undefined {
  const { tokens, types, scores, removesExtraSpaces } = vocabulary;
  const typeOf = (id: number): number => types[id] ?? tokenType.normal;
  // llama.cpp cuts text before what only begins like a token that the model's makers defined; and around "<mask>" with some architectures.
  const isUnclear =
    types.includes(tokenType.userDefined) || !removesExtraSpaces || tokens.some((token) => token.includes(NO_TEXT));
  if (engine === 'ollama' || isUnclear) return undefined;
  const isPiece = (id: number): boolean => typeOf(id) === tokenType.normal || typeOf(id) === tokenType.unused;
  const scoreOf = Float64Array.from(tokens, (_, id) => Math.fround(scores[id] ?? 0));
  const lowest = scoreOf.reduce(
    (low, score, id) => (typeOf(id) === tokenType.normal ? Math.min(low, score) : low),
    Infinity,
  );
  const tree = new TokenTree(tokens.map((token, id) => (isPiece(id) ? Buffer.from(token).toString('latin1') : '')));
  const path = new LikeliestPath(tree, scoreOf, Math.fround(lowest + UNKNOWN_PENALTY));
  const charsmap = new Charsmap(vocabulary.charsmap);

  return (fragment, _isFirst, limit) => {
    const text = Buffer.from(fragment);
    let isInWord = false;
    path.begin();
    const add = (byte: number): void => {
      // Spaces are kept between words only, and before the first one.
      if (byte !== SPACE && !isInWord) for (const space of SPACE_LETTER) path.add(space);
      isInWord = byte !== SPACE;
      if (isInWord) path.add(byte);
    };
    for (let at = 0, look = BYTES_BETWEEN_LOOKS; at < text.length;) {
      const { length, by } = charsmap.at(text, at);
      for (const byte of by) add(byte);
      at += length;
      if (length === 0)
        do add(text[at++] as number);
        while (((text[at] ?? 0) & 0xc0) === 0x80);
      if (at < look) continue;
      look = at + BYTES_BETWEEN_LOOKS;
      if (path.fewestTokens > limit) return path.fewestTokens;
    }
    return path.tokens;
  };
}
