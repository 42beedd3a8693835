import { newerCodePoints } from './newer-code-points.ts';
import type { Engine, Vocabulary } from './vocabulary.ts';

/** What a code point is to the words of BERT's vocabularies. broken: punctuation that Ollama's own engine cuts behind its first byte. */
export const role = { part: 1, alone: 2, space: 3, nothing: 4, broken: 5 } as const;

const ROLE_SHIFT = 21;
const CODE_POINTS = 0x110000;

const isSpace = /^[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]$/;
const isPunctuation = /^\p{P}$/u;
const isAsciiSymbol = /^[$+<=>^`|~]$/;
const isMark = /^\p{M}$/u;
const isDropped = /^[\0\ufffd\p{Cc}\p{Cf}\p{Co}]$/u;
const han = String.raw`\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2f800}-\u{2fa1f}`;
/** llama.cpp follows a program in which one range begins at another place than in Unicode. */
const isHanToLlamaCpp = new RegExp(String.raw`^[${han}\u{2b920}-\u{2ceaf}]$`, 'u');
const isHanToOllama = new RegExp(String.raw`^[${han}\u{2b820}-\u{2ceaf}]$`, 'u');

const withRole = (as: number, point = 0): number => (as << ROLE_SHIFT) | point;
const firstOf = (text: string): number => text.codePointAt(0) ?? 0;
const lowered = (text: string): number => firstOf(text.toLowerCase());
const isNewer = (point: number): boolean => newerCodePoints.some(([first, last]) => first <= point && point <= last);

/** As in llama.cpp's llm_tokenizer_wpm_session::preprocess: of a decomposed letter the first code point is left. */
function toLlamaCpp(point: number, { lowercases, stripsAccents }: Vocabulary): number {
  const written = String.fromCodePoint(point);
  if (isNewer(point)) return withRole(isHanToLlamaCpp.test(written) ? role.alone : role.part, point);
  const text = stripsAccents ? String.fromCodePoint(firstOf(written.normalize('NFD'))) : written;
  if (isSpace.test(text)) return withRole(role.space);
  if (isDropped.test(text) || (stripsAccents && isMark.test(text))) return withRole(role.nothing);
  const isAlone = isPunctuation.test(text) || isAsciiSymbol.test(text) || isHanToLlamaCpp.test(text);
  return withRole(isAlone ? role.alone : role.part, lowercases ? lowered(text) : firstOf(text));
}

/** As in WordPiece.words of Ollama's tokenizer/wordpiece.go. Accents stay, and so do capital letters with the architecture nomic-bert. */
function toOllama(point: number, { architecture }: Vocabulary): number {
  const text = String.fromCodePoint(point);
  if (isHanToOllama.test(text)) return withRole(role.alone, point);
  if (isNewer(point)) return withRole(role.part, point);
  if (isSpace.test(text)) return withRole(role.space);
  const isWhole = point < 0x80;
  if (isPunctuation.test(text)) return isWhole ? withRole(role.alone, point) : withRole(role.broken);
  return withRole(role.part, architecture === 'nomic-bert' ? point : lowered(text));
}

/** Tells what code points are, and what is looked for in the vocabulary in their place. */
export class WordCharacters {
  readonly #vocabulary: Vocabulary;
  readonly #engine: Engine;
  /** Zero: not looked at yet. */
  readonly #known = new Uint32Array(CODE_POINTS);

  constructor(vocabulary: Vocabulary, engine: Engine) {
    this.#vocabulary = vocabulary;
    this.#engine = engine;
  }

  roleOf(point: number): number {
    return this.#about(point) >>> ROLE_SHIFT;
  }

  letterFor(point: number): number {
    return this.#about(point) & ((1 << ROLE_SHIFT) - 1);
  }

  #about(point: number): number {
    const known = this.#known[point] as number;
    if (known !== 0) return known;
    const about = (this.#engine === 'ollama' ? toOllama : toLlamaCpp)(point, this.#vocabulary);
    this.#known[point] = about;
    return about;
  }
}
