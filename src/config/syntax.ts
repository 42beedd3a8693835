import type { ErrorCode, YAMLError } from 'yaml';

/** What YAML's errors mean. The library's own texts quote the file, and what they quote may be a secret. */
const TEXTS: Partial<Record<ErrorCode, readonly [message: string, cure: string]>> = {
  DUPLICATE_KEY: ['this key stands here twice', 'keep one of the two'],
  TAB_AS_INDENT: ['a tab indents this line', 'indent with spaces'],
  BAD_INDENT: [
    'the indentation is wrong, or a bracket is not closed',
    'give keys of one level the same number of spaces',
  ],
  BAD_DQ_ESCAPE: ['no such escape sequence', 'write the text in single quotes, or double the backslash'],
  BAD_SCALAR_START: ['a text can not start with this character', 'put the text in quotes'],
  BLOCK_AS_IMPLICIT_KEY: [
    'two "key: value" pairs on one line',
    'put each on a line of its own, or put a text that holds ": " in quotes',
  ],
  BLOCK_IN_FLOW: ['an indented block inside { } or [ ]', 'write it in brackets too, or indent all of it'],
  MULTIPLE_DOCS: ['a second document starts here', 'remove the line "---" and what follows'],
  NON_STRING_KEY: ['a key must be a text', 'put the key in quotes'],
  TAG_RESOLVE_FAILED: ['unknown tag', 'remove the word that starts with "!", or put the text in quotes'],
  BAD_DIRECTIVE: ['unknown directive', 'remove the line that starts with "%"'],
  BAD_ALIAS: ['an anchor without a name', 'write & followed by a name, or put the text in quotes'],
  RESOURCE_EXHAUSTION: ['nested too deeply', 'remove brackets or indentation'],
};
const OTHER = [
  'this is not YAML',
  'look at indentation, colons, quotes and brackets; inside { } a text such as ${NAME} needs quotes',
] as const;

/** Errors after which the rest of the file can still be read. */
const HARMLESS: ReadonlySet<ErrorCode> = new Set(['DUPLICATE_KEY', 'TAG_RESOLVE_FAILED', 'BAD_DIRECTIVE']);

export const isHarmless = (error: YAMLError): boolean => HARMLESS.has(error.code);

/** What is wrong and how to mend it, in words of our own. */
export function syntaxText(error: YAMLError): { message: string; cure: string } {
  const [message, cure] = TEXTS[error.code] ?? OTHER;
  return { message, cure };
}

/** Longer than this, a key may be a secret in the wrong place. */
const MAX_SHOWN = 30;

/** A text that begins with `*` and stands there without quotes: YAML takes it for an alias. */
export interface BareStar {
  readonly offset: number;
  readonly message: string;
  readonly cure: string;
}

/** The bare stars that made these errors: the other errors of the file mostly follow from them. Of keys the cure shows the text, values may be secret. */
export function bareStars(text: string, errors: readonly YAMLError[]): BareStar[] {
  const stars = new Map<number, BareStar>();
  for (const { code, pos } of errors) {
    if (code !== 'BAD_ALIAS' && code !== 'NON_STRING_KEY') continue;
    const before = /[^\s,[\]{}]*$/.exec(text.slice(Math.max(0, pos[0] - 200), pos[0]))?.[0] ?? '';
    const offset = pos[0] - before.length;
    const [, word, colon] =
      /^(\*[^\s,[\]{}]*?)(\s*:(?=\s|$))?(?![^\s,[\]{}])/.exec(text.slice(offset, offset + 200)) ?? [];
    if (word !== undefined)
      stars.set(offset, { offset, ...starText(colon !== undefined && word.length <= MAX_SHOWN ? word : undefined) });
  }
  return [...stars.values()];
}

/** `key`: what to show. */
const starText = (key?: string): { message: string; cure: string } => ({
  message: 'a text that begins with * needs quotes',
  cure: key === undefined ? 'put it in quotes, like "*:8b*"' : `put it in quotes: "${key}"`,
});
