/** Where a member of the top-level object stands in the text; indices are UTF-16 units. */
export interface Member {
  readonly key: string;
  readonly valueStart: number;
  readonly valueEnd: number;
}

export interface ScannedObject {
  readonly value: Readonly<Record<string, unknown>>;
  readonly members: readonly Member[];
  /** Just behind the opening brace: where a member can be put in. */
  readonly bodyStart: number;
}

export type ScanFailure = { readonly failure: string };

const MAX_DEPTH = 64;
const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const LITERAL = /true|false|null/y;
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

class Scanner {
  readonly text: string;
  at = 0;

  constructor(text: string) {
    this.text = text;
  }

  space(): void {
    this.match(SPACE);
  }

  match(pattern: RegExp): boolean {
    pattern.lastIndex = this.at;
    if (!pattern.test(this.text)) return false;
    this.at = pattern.lastIndex;
    return true;
  }

  take(character: string): boolean {
    if (this.text[this.at] !== character) return false;
    this.at++;
    return true;
  }

  expect(character: string): void {
    if (!this.take(character)) throw new SyntaxError(`expected ${character} at character ${this.at}`);
  }

  /** Skips a string and gives it unescaped. */
  string(): string {
    const start = this.at;
    this.expect('"');
    for (;;) {
      this.match(PLAIN);
      if (this.take('"')) break;
      if (!this.match(ESCAPE)) throw new SyntaxError(`bad string at character ${this.at}`);
    }
    return JSON.parse(this.text.slice(start, this.at)) as string;
  }

  /** Skips a value; objects with the same key twice are refused. */
  value(depth: number): void {
    if (depth > MAX_DEPTH) throw new SyntaxError(`nested more than ${MAX_DEPTH} deep`);
    const next = this.text[this.at];
    if (next === '{') this.object(depth, () => {});
    else if (next === '[') this.array(depth);
    else if (next === '"') this.string();
    else if (!this.match(LITERAL) && !this.match(NUMBER)) throw new SyntaxError(`unexpected character at ${this.at}`);
  }

  object(depth: number, member: (member: Member) => void): void {
    const seen = new Set<string>();
    this.expect('{');
    this.space();
    if (this.take('}')) return;
    do {
      this.space();
      const key = this.string();
      if (seen.has(key))
        throw new SyntaxError(`the key ${JSON.stringify(key.slice(0, 40))} stands twice in one object`);
      seen.add(key);
      this.space();
      this.expect(':');
      this.space();
      const valueStart = this.at;
      this.value(depth + 1);
      member({ key, valueStart, valueEnd: this.at });
      this.space();
    } while (this.take(','));
    this.expect('}');
  }

  array(depth: number): void {
    this.expect('[');
    this.space();
    if (this.take(']')) return;
    do {
      this.space();
      this.value(depth + 1);
      this.space();
    } while (this.take(','));
    this.expect(']');
  }
}

/**
 * Reads a JSON object strictly (RFC 8259), refusing what parsers read differently: keys that stand twice in one object, at any depth. Tells
 * where each top-level value stands, so that the text can be added to without touching any other character. Linear in the text.
 */
export function scanObject(text: string): ScannedObject | ScanFailure {
  const scanner = new Scanner(text);
  const members: Member[] = [];
  try {
    scanner.space();
    const bodyStart = scanner.at + 1;
    if (text[scanner.at] !== '{') return { failure: 'not a JSON object' };
    scanner.object(1, (member) => members.push(member));
    scanner.space();
    if (scanner.at !== text.length) return { failure: `more text after the object, at character ${scanner.at}` };
    return { value: JSON.parse(text) as Record<string, unknown>, members, bodyStart };
  } catch (error) {
    return { failure: error instanceof SyntaxError ? `not valid JSON: ${error.message}` : 'not valid JSON' };
  }
}

/** `key` as Go's encoding/json folds it, which matches keys without regard to case: ASCII letters, ſ (U+017F) and K (U+212A). */
export const foldKey = (key: string): string => key.replaceAll('\u017f', 's').replaceAll('\u212a', 'k').toLowerCase();
