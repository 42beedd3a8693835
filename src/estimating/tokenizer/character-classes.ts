import { newerCodePoints } from './newer-code-points.ts';
import type { Engine } from './vocabulary.ts';

/**
 * How llama.cpp looks at text that it splits: one character for each code point, ASCII as it is, all others by their class. Patterns that know
 * classes only then need no Unicode, and count code points.
 */
export const classCharacters = {
  number: 'Ñ',
  letter: 'Ò',
  punctuation: 'Ó',
  mark: 'Ô',
  symbol: 'Õ',
  other: 'Ð',
} as const;
/** Letters of one case, which llama.cpp does not tell apart. */
const casedLetters = { upper: 'Ö', lower: '×' } as const;
const WHITE_SPACE = '\v';

/** Inside of a character class: what of each Unicode category there is in such text. */
const categories: Readonly<Record<string, string>> = {
  N: `${classCharacters.number}0-9`,
  L: `${classCharacters.letter}${casedLetters.upper}${casedLetters.lower}A-Za-z`,
  Upper: `${classCharacters.letter}${casedLetters.upper}A-Z`,
  Lower: `${classCharacters.letter}${casedLetters.lower}a-z`,
  M: classCharacters.mark,
  P: `${classCharacters.punctuation}!-#%-*,-/:;?@\\[-\\]_{}`,
  S: `${classCharacters.symbol}$+<->^\`|~`,
};

/** The pattern, for text in classes: `\p{L}` and its like become lists of characters. */
export const classPattern = (source: string): RegExp => {
  let isInside = false;
  const translated = source.replaceAll(/\\p\{(\w+)\}|\\.|\[|\]/g, (part, category: string | undefined) => {
    if (part === '[') isInside = true;
    else if (part === ']') isInside = false;
    if (category === undefined) return part;
    const characters = categories[category] ?? '';
    return isInside ? characters : `[${characters}]`;
  });
  return new RegExp(translated, 'g');
};

const wideWhiteSpace = /[\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;
const allWideWhiteSpace = new RegExp(wideWhiteSpace, 'g');

/** Text as llama.cpp gives it to patterns that look at the letters themselves. */
export const withPlainSpaces = (text: string): string => text.replaceAll(allWideWhiteSpace, WHITE_SPACE);

const patterns: readonly (readonly [RegExp, string])[] = [
  [/\p{N}/gu, classCharacters.number],
  [/\p{L}/gu, classCharacters.letter],
  [/\p{M}/gu, classCharacters.mark],
  [/\p{P}/gu, classCharacters.punctuation],
  [/\p{S}/gu, classCharacters.symbol],
];

const casePatterns: typeof patterns = [
  [/[\p{Lu}\p{Lt}]/gu, casedLetters.upper],
  [/\p{Ll}/gu, casedLetters.lower],
];

const CODE_POINTS = 0x110000;
const tables = new Map<Engine, Uint8Array>();

/** The class character of each code point. For Ollama's own engine only ASCII (without \v) is white space. */
function tableOf(engine: Engine): Uint8Array {
  const known = tables.get(engine);
  if (known !== undefined) return known;
  const wanted = engine === 'ollama' ? [...patterns, ...casePatterns] : patterns;
  const table = new Uint8Array(CODE_POINTS).fill(classCharacters.other.charCodeAt(0));
  for (let block = 0; block < CODE_POINTS; block += 0x1000) {
    if (block >= 0xd000 && block < 0xe000) continue;
    const text = String.fromCodePoint(...Array.from({ length: 0x1000 }, (_, index) => block + index));
    classify(text, table, wanted);
  }
  classify(String.fromCodePoint(...Array.from({ length: 0x800 }, (_, index) => 0xd000 + index)), table, wanted);
  for (const [first, last] of newerCodePoints) table.fill(classCharacters.other.charCodeAt(0), first, last + 1);
  for (let point = 0; point < 0x80; point++) table[point] = point;
  if (engine === 'ollama') table[0x0b] = classCharacters.other.charCodeAt(0);
  else
    for (let point = 0x80; point < 0x10000; point++)
      if (wideWhiteSpace.test(String.fromCharCode(point))) table[point] = WHITE_SPACE.charCodeAt(0);
  tables.set(engine, table);
  return table;
}

function classify(text: string, table: Uint8Array, wanted: typeof patterns): void {
  for (const [pattern, character] of wanted)
    for (const [match] of text.matchAll(pattern)) table[match.codePointAt(0) ?? 0] = character.charCodeAt(0);
}

/** Text in classes, and where each of its characters begins in the text. */
export interface ClassedText {
  readonly classes: string;
  /** Undefined: at the same place, since no code point takes two units. */
  readonly starts: Uint32Array | undefined;
}

/** Half surrogates count as U+FFFD, as which they reach any server. */
export function classesOf(text: string, engine: Engine): ClassedText {
  const table = tableOf(engine);
  const codes = Buffer.allocUnsafe(text.length);
  const starts = /[\ud800-\udfff]/.test(text) ? new Uint32Array(text.length + 1) : undefined;
  let length = 0;
  for (let at = 0; at < text.length; at++) {
    if (starts !== undefined) starts[length] = at;
    const unit = text.charCodeAt(at);
    const point = unit >= 0xd800 && unit <= 0xdbff ? (text.codePointAt(at) ?? unit) : unit;
    codes[length++] = table[point] ?? 0;
    if (point > 0xffff) at++;
  }
  if (starts !== undefined) starts[length] = text.length;
  return { classes: codes.toString('latin1', 0, length), starts };
}
