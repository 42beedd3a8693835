import type { Engine } from './vocabulary.ts';

/**
 * How llama.cpp looks at text that it splits: one character for each code point, ASCII as it is, all others by their class. Patterns that know
 * classes only then need no Unicode, and count code points.
 */
export const classCharacters = { number: 'Ñ', letter: 'Ò', punctuation: 'Ó', mark: 'Ô', symbol: 'Õ', other: 'Ð' } as const;
const WHITE_SPACE = '\v';

/** Inside of a character class: what of each Unicode category there is in such text. */
const categories: Readonly<Record<string, string>> = {
  N: `${classCharacters.number}0-9`,
  L: `${classCharacters.letter}A-Za-z`,
  Upper: `${classCharacters.letter}A-Z`,
  Lower: `${classCharacters.letter}a-z`,
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

/** Letters and signs that Unicode got after version 15.1, whose tables the engines have: to them these are not assigned. */
const NEWER =
  /[\u088f\u0897\u0c5c\u0cdc\u1acf-\u1add\u1ae0-\u1aeb\u1b4e\u1b4f\u1b7f\u1c89\u1c8a\u20c1\u2427-\u2429\u2b96\u31e4\u31e5\ua7cb-\ua7cf\ua7d2\ua7d4\ua7da-\ua7dc\ua7f1\ufbc3-\ufbd2\ufd90\ufd91\ufdc8-\ufdce\u{105c0}-\u{105f3}\u{10940}-\u{10959}\u{10d40}-\u{10d8f}\u{10ec2}-\u{10ec7}\u{10ed0}-\u{10ed8}\u{10efa}-\u{10efc}\u{11380}-\u{113e2}\u{116d0}-\u{116e3}\u{11b60}-\u{11b67}\u{11bc0}-\u{11bf9}\u{11db0}-\u{11de9}\u{11f5a}\u{13460}-\u{143fa}\u{16100}-\u{16139}\u{16d40}-\u{16d79}\u{16ea0}-\u{16ed3}\u{16ff2}-\u{16ff6}\u{187f8}-\u{187ff}\u{18cff}\u{18d09}-\u{18d1e}\u{18d80}-\u{18df2}\u{1cc00}-\u{1cef0}\u{1e5d0}-\u{1e5ff}\u{1e6c0}-\u{1e6ff}\u{1f6d8}\u{1f777}-\u{1f77a}\u{1f8b2}-\u{1f8d8}\u{1fa54}-\u{1fa57}\u{1fa89}\u{1fa8a}\u{1fa8e}\u{1fa8f}\u{1fabe}\u{1fac6}\u{1fac8}\u{1facd}\u{1fadc}\u{1fadf}\u{1fae9}\u{1faea}\u{1faef}\u{1fbcb}-\u{1fbef}\u{1fbfa}\u{2b73a}-\u{2b73f}\u{2cea2}-\u{2cead}\u{323b0}-\u{33479}]/gu;

const patterns: readonly (readonly [RegExp, string])[] = [
  [/\p{N}/gu, classCharacters.number],
  [/\p{L}/gu, classCharacters.letter],
  [/\p{M}/gu, classCharacters.mark],
  [/\p{P}/gu, classCharacters.punctuation],
  [/\p{S}/gu, classCharacters.symbol],
  [NEWER, classCharacters.other],
];

const CODE_POINTS = 0x110000;
const tables = new Map<Engine, Uint8Array>();

/** The class character of each code point. For Ollama's own engine only ASCII (without \v) is white space. */
function tableOf(engine: Engine): Uint8Array {
  const known = tables.get(engine);
  if (known !== undefined) return known;
  const table = new Uint8Array(CODE_POINTS).fill(classCharacters.other.charCodeAt(0));
  for (let block = 0; block < CODE_POINTS; block += 0x1000) {
    if (block >= 0xd000 && block < 0xe000) continue;
    const text = String.fromCodePoint(...Array.from({ length: 0x1000 }, (_, index) => block + index));
    classify(text, table);
  }
  classify(String.fromCodePoint(...Array.from({ length: 0x800 }, (_, index) => 0xd000 + index)), table);
  for (let point = 0; point < 0x80; point++) table[point] = point;
  if (engine === 'ollama') table[0x0b] = classCharacters.other.charCodeAt(0);
  else
    for (const [space] of '\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000'.matchAll(/./gsu))
      table[space.codePointAt(0) ?? 0] = WHITE_SPACE.charCodeAt(0);
  tables.set(engine, table);
  return table;
}

function classify(text: string, table: Uint8Array): void {
  for (const [pattern, character] of patterns)
    for (const [match] of text.matchAll(pattern)) table[match.codePointAt(0) ?? 0] = character.charCodeAt(0);
}

/** Text in classes, and where each of its characters begins in the text. */
export interface ClassedText {
  readonly classes: string;
  /** Undefined: at the same place, since no code point takes two units. */
  readonly starts: Uint32Array | undefined;
}

const latin1 = new TextDecoder('latin1');

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
  return { classes: codes.latin1Slice(0, length), starts };
}
