import { CannotCount } from '../estimator.ts';
import type { FragmentCounter } from './fragment-counter.ts';
import { TokenTree } from './token-tree.ts';
import type { Engine, Vocabulary } from './vocabulary.ts';
import { role, WordCharacters } from './word-characters.ts';

/** Stands before each word in the vocabulary; what continues a word has nothing before it. */
const WORD_START = '▁'.charCodeAt(0);
/** Bytes that are no text, which tokens of these vocabularies do not have. */
const NO_TEXT = '\ufffd';
/** Ollama's own engine takes the cube of a word's length in time, so it is not asked to. */
const LONGEST_WORD_OF_OLLAMA = 256;

/** For BERT's vocabularies (WordPiece): words, each cut into the longest tokens from left to right, or one unknown token. */
export function createWordCounter(vocabulary: Vocabulary, engine: Engine): FragmentCounter | undefined {
  if (engine === 'older llama.cpp' || vocabulary.tokens.some((token) => token.includes(NO_TEXT))) return undefined;
  const tree = new TokenTree(vocabulary.tokens);
  const characters = new WordCharacters(vocabulary, engine);
  let word = new Uint16Array(1024).fill(WORD_START, 0, 1);
  let length = 1;

  const add = (letters: number): void => {
    if (length + 2 > word.length) {
      const longer = new Uint16Array(word.length * 2);
      longer.set(word);
      word = longer;
    }
    if (letters > 0xffff) word[length++] = 0xd800 + ((letters - 0x10000) >> 10);
    word[length++] = letters > 0xffff ? 0xdc00 + ((letters - 0x10000) & 0x3ff) : letters;
  };
  const endOfToken = (start: number): number => {
    let end = start;
    let node = TokenTree.root;
    for (let at = start; at < length;) {
      node = tree.next(node, word[at++] as number);
      if (node === TokenTree.root) break;
      if (tree.idAt(node) >= 0) end = at;
    }
    return end;
  };
  const countWord = (): number => {
    const end = length;
    if (engine === 'ollama' && end > LONGEST_WORD_OF_OLLAMA)
      throw new CannotCount('a word is longer than this Ollama can be asked to take');
    let tokens = 0;
    for (let at = end === 1 ? end : 0; at < end; tokens++) {
      const next = endOfToken(at);
      if (next === at) {
        tokens = 1;
        break;
      }
      at = next;
    }
    length = 1;
    return tokens;
  };

  return (text, _isFirst, limit) => {
    let tokens = 0;
    length = 1;
    for (let at = 0; at < text.length && tokens <= limit; at++) {
      const point = text.codePointAt(at) as number;
      if (point > 0xffff) at++;
      const is = characters.roleOf(point);
      if (is === role.nothing) continue;
      if (is !== role.part) tokens += countWord();
      if (is === role.part || is === role.alone) add(characters.letterFor(point));
      if (is === role.alone) tokens += countWord();
      if (is === role.broken) {
        tokens++;
        add(NO_TEXT.charCodeAt(0));
      }
    }
    return tokens + countWord();
  };
}
