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
  const { tokens, types, scores, addsSpacePrefix, removesExtraSpaces } = vocabulary;
  const typeOf = (id: number): number => types[id] ?? tokenType.normal;
  // llama.cpp cuts text before what only begins like a token that the model's makers defined, and takes spaces away before "<mask>" with some.
  const stripsSpaces = /nomic-bert-moe|jina-bert-v3/.test(vocabulary.architecture) && !removesExtraSpaces;
  const isUnclear =
    stripsSpaces || types.includes(tokenType.userDefined) || tokens.some((token) => token.includes(NO_TEXT));
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
    let [isInWord, isPrefixed] = [false, !addsSpacePrefix];
    path.begin();
    const addSpace = (): void => {
      for (const byte of SPACE_LETTER) path.add(byte);
    };
    const add = (byte: number): void => {
      const isSpace = byte === SPACE;
      if (isSpace ? !removesExtraSpaces : !isInWord && (removesExtraSpaces || !isPrefixed)) addSpace();
      if (!isSpace) {
        isPrefixed = true;
        path.add(byte);
      }
      isInWord = !isSpace;
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
