/** Where one member of an object stands; offsets in bytes from the start of the text. */
export interface JsonMember {
  /** Unescaped. */
  readonly key: string;
  /** The key with its quotes. */
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly valueStart: number;
  readonly valueEnd: number;
}

/** The members of a top-level object, in their order. */
export interface ScannedObject {
  readonly members: readonly JsonMember[];
}

export interface ScanLimits {
  /** Levels of nesting. */
  readonly maxDepth: number;
  /** Members and elements in the whole text: each costs memory once it is parsed. */
  readonly maxValues: number;
}

/** The text is no JSON object that every decoder reads alike. The message tells the byte where reading stopped and no text of the body but a key. */
export class JsonScanError extends Error {}

const DEFAULT_LIMITS: ScanLimits = { maxDepth: 64, maxValues: 250_000 };
const MAX_TOLD_KEY_CHARACTERS = 40;

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const UPPER_E = 0x45;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const LOWER_E = 0x65;
const LOWER_U = 0x75;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const ESCAPABLE = new Set(new TextEncoder().encode('"\\/bfnrt'));
const LITERALS = ['true', 'false', 'null'].map((word) => new TextEncoder().encode(word));

/**
 * Reads a JSON object strictly (RFC 8259) in one pass without recursion, and throws JsonScanError where decoders differ: a key that stands
 * twice in one object (some take the first, some the last), at any depth, compared unescaped. The caller has checked that `bytes` are UTF-8.
 */
export function scanObject(bytes: Uint8Array, limits: Partial<ScanLimits> = {}): ScannedObject {
  return new Scanner(bytes, { ...DEFAULT_LIMITS, ...limits }).scan();
}

class Scanner {
  readonly #bytes: Uint8Array;
  readonly #limits: ScanLimits;
  #at = 0;
  #values = 0;

  constructor(bytes: Uint8Array, limits: ScanLimits) {
    this.#bytes = bytes;
    this.#limits = limits;
  }

  scan(): ScannedObject {
    const members: JsonMember[] = [];
    /** One for each open container: the keys seen in an object, undefined for an array. */
    const open: (Set<string> | undefined)[] = [];
    let member = { key: '', keyStart: 0, keyEnd: 0, valueStart: 0 };
    let isFirst = true;
    this.#space();
    this.#expect(OPEN_OBJECT, 'a JSON object');
    open.push(new Set());
    while (open.length > 0) {
      const keys = open.at(-1);
      this.#space();
      if (this.#take(keys === undefined ? CLOSE_ARRAY : CLOSE_OBJECT)) {
        open.pop();
        isFirst = false;
        if (open.length === 1) members.push({ ...member, valueEnd: this.#at });
        continue;
      }
      if (!isFirst) {
        this.#expect(COMMA, 'a comma or the end of the object or array');
        this.#space();
      }
      if (++this.#values > this.#limits.maxValues) throw this.#error(`more than ${this.#limits.maxValues} values`);
      if (keys !== undefined) {
        const keyStart = this.#at;
        const key = this.#key(keys);
        const keyEnd = this.#at;
        this.#space();
        this.#expect(COLON, 'a colon');
        this.#space();
        if (open.length === 1) member = { key, keyStart, keyEnd, valueStart: this.#at };
      }
      isFirst = this.#take(OPEN_OBJECT);
      if (isFirst) open.push(new Set());
      else if ((isFirst = this.#take(OPEN_ARRAY))) open.push(undefined);
      else this.#scalar();
      if (open.length > this.#limits.maxDepth) throw this.#error(`nested more than ${this.#limits.maxDepth} deep`);
      if (!isFirst && open.length === 1) members.push({ ...member, valueEnd: this.#at });
    }
    this.#space();
    if (this.#at < this.#bytes.length) throw this.#error('expected the end of the text');
    return { members };
  }

  #key(seen: Set<string>): string {
    const start = this.#at;
    const hasEscape = this.#string('a key in double quotes');
    const raw = this.#bytes.subarray(start, this.#at);
    const key = hasEscape ? (JSON.parse(decoder.decode(raw)) as string) : decoder.decode(raw.subarray(1, -1));
    if (seen.has(key))
      throw this.#error(`the key ${JSON.stringify(key.slice(0, MAX_TOLD_KEY_CHARACTERS))} stands twice in one object`);
    seen.add(key);
    return key;
  }

  /** Skips a string; true: it has escapes. */
  #string(expected: string): boolean {
    this.#expect(QUOTE, expected);
    const bytes = this.#bytes;
    let at = this.#at;
    let hasEscape = false;
    for (;;) {
      const byte = bytes[at++];
      if (byte === QUOTE) break;
      if (byte === BACKSLASH) {
        hasEscape = true;
        const escaped = bytes[at++] ?? 0;
        if (escaped === LOWER_U) {
          for (const end = at + 4; at < end; at++)
            if (!isHexDigit(bytes[at])) throw this.#error('a bad escape in a string', at);
        } else if (!ESCAPABLE.has(escaped)) throw this.#error('a bad escape in a string', at - 1);
      } else if (byte === undefined) throw this.#error('the text ends inside a string', at - 1);
      else if (byte < SPACE) throw this.#error('a control character in a string', at - 1);
    }
    this.#at = at;
    return hasEscape;
  }

  #scalar(): void {
    const byte = this.#bytes[this.#at];
    if (byte === QUOTE) this.#string('a string');
    else if (byte === MINUS || isDigit(byte)) this.#number();
    else {
      const word = LITERALS.find((literal) =>
        literal.every((character, index) => this.#bytes[this.#at + index] === character),
      );
      if (word === undefined) throw this.#error('expected a value');
      this.#at += word.length;
    }
  }

  #number(): void {
    this.#take(MINUS);
    if (!this.#take(ZERO)) this.#digits();
    if (this.#take(DOT)) this.#digits();
    if (this.#take(UPPER_E) || this.#take(LOWER_E)) {
      if (!this.#take(PLUS)) this.#take(MINUS);
      this.#digits();
    }
  }

  #digits(): void {
    if (!isDigit(this.#bytes[this.#at])) throw this.#error('expected a digit');
    while (isDigit(this.#bytes[this.#at])) this.#at++;
  }

  #space(): void {
    for (;;) {
      const byte = this.#bytes[this.#at];
      if (byte !== SPACE && byte !== LF && byte !== CR && byte !== TAB) return;
      this.#at++;
    }
  }

  #take(byte: number): boolean {
    if (this.#bytes[this.#at] !== byte) return false;
    this.#at++;
    return true;
  }

  #expect(byte: number, expected: string): void {
    if (!this.#take(byte)) throw this.#error(`expected ${expected}`);
  }

  #error(what: string, at = this.#at): JsonScanError {
    return new JsonScanError(`${what}, at byte ${at}`);
  }
}

const decoder = new TextDecoder();

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= ZERO && byte <= NINE;

const isHexDigit = (byte: number | undefined): boolean =>
  isDigit(byte) || (byte !== undefined && (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66);
