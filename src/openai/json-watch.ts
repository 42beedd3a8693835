import { treeOf } from './path-tree.ts';
import type { Node } from './path-tree.ts';

/** What was seen at a watched path; of several (array elements, repeated keys) `raw` and `firstByte` are the last one's. */
export interface Seen {
  /** First byte of the value: `{`, `[`, `"`, a digit, or the letter of a literal. */
  firstByte: number;
  /** True once an object or array has had a member, or a text a character. */
  isFilled: boolean;
  /** True once a second value has begun at this path. */
  isRepeated: boolean;
  /** Bytes of text between the quotes, over all values at this path; an escape counts as one. */
  textBytes: number;
  /** The value as written, up to MAX_RAW_BYTES; undefined while it is not whole, or was longer. */
  raw?: string;
}

interface Frame {
  readonly node: Node;
  readonly isArray: boolean;
}

const ANY_ELEMENT = '*';
const MAX_RAW_BYTES = 16_384;
const MAX_KEY_BYTES = 64;
const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const LETTER_U = 0x75;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const COLON = 0x3a;

/**
 * Watches a few paths (`usage`, `choices.*.delta.content`; `*` is any array element) of a JSON text that arrives in pieces, in one pass and in
 * memory that does not grow with the text. It reads what a backend wrote and judges nothing: a text that is no JSON just shows nothing useful.
 */
export class JsonWatch {
  readonly #root: Node;
  readonly #seen = new Map<string, Seen>();
  /** Open containers that are on the way to a watched path; `#depth` counts all. */
  readonly #frames: Frame[] = [];
  #depth = 0;
  #isInText = false;
  #isEscaped = false;
  #isInScalar = false;
  #expectsKey = false;
  #isInKey = false;
  #keyBytes: number[] = [];
  #key = '';
  /** The watched value under way. */
  #current: { readonly seen: Seen; readonly depth: number; readonly raw: number[] } | undefined;
  #isEnded = false;

  constructor(paths: readonly string[]) {
    this.#root = treeOf(paths);
  }

  /** What has been seen at a path until now. */
  seen(path: string): Seen | undefined {
    return this.#seen.get(path);
  }

  /** True once the outermost object or array has been closed. */
  get isWhole(): boolean {
    return this.#isEnded;
  }

  /** Forgets the text so far: another one begins. */
  reset(): void {
    this.#seen.clear();
    this.#frames.length = 0;
    this.#depth = 0;
    this.#isInText = this.#isEscaped = this.#isInScalar = this.#expectsKey = this.#isInKey = this.#isEnded = false;
    this.#key = '';
    this.#current = undefined;
  }

  push(bytes: Uint8Array, from = 0, to = bytes.length): void {
    for (let at = from; at < to; at++) {
      const byte = bytes[at] ?? 0;
      if (this.#isInText) at = this.#text(bytes, at, to);
      else if (byte > 0x20) this.#outside(byte);
    }
  }

  /** Inside a string, from `at` on; gives the last byte that it took. */
  #text(bytes: Uint8Array, from: number, to: number): number {
    let at = from;
    let escaped = this.#isEscaped;
    let ofEscapes = 0;
    for (; at < to; at++) {
      const byte = bytes[at];
      if (escaped) {
        escaped = false;
        if (byte === LETTER_U) ofEscapes += 4;
      } else if (byte === BACKSLASH) {
        escaped = true;
        ofEscapes++;
      } else if (byte === QUOTE) break;
    }
    this.#isEscaped = escaped;
    const isClosed = at < to;
    if (this.#isInKey) {
      for (let i = from; i < at && this.#keyBytes.length <= MAX_KEY_BYTES; i++) this.#keyBytes.push(bytes[i] ?? 0);
    } else if (this.#current !== undefined) {
      if (this.#current.depth === this.#depth) {
        this.#current.seen.textBytes += at - from - ofEscapes;
        if (at > from) this.#current.seen.isFilled = true;
      }
      this.#keep(bytes, from, isClosed ? at + 1 : at);
    }
    if (isClosed) this.#endText();
    return isClosed ? at : at - 1;
  }

  #endText(): void {
    this.#isInText = false;
    if (this.#isInKey) {
      this.#isInKey = false;
      const key = keyOf(this.#keyBytes);
      this.#key = key === ANY_ELEMENT ? '' : key; // a member is no element
    } else this.#endValue();
  }

  #outside(byte: number): void {
    const isInside = this.#frames.length === this.#depth;
    if (this.#isInScalar && (byte === COMMA || byte === CLOSE_ARRAY || byte === CLOSE_OBJECT)) {
      this.#isInScalar = false;
      this.#endValue();
    }
    switch (byte) {
      case COLON:
        this.#keepByte(byte);
        return;
      case COMMA:
        this.#keepByte(byte);
        if (isInside) this.#expectsKey = this.#frames.at(-1)?.isArray === false;
        return;
      case CLOSE_ARRAY:
      case CLOSE_OBJECT:
        this.#keepByte(byte);
        if (isInside) this.#frames.pop();
        this.#depth = Math.max(0, this.#depth - 1);
        if (this.#depth === 0) this.#isEnded = true;
        this.#endValue();
        return;
      case QUOTE:
        if (isInside && this.#expectsKey) {
          this.#isInText = this.#isInKey = true;
          this.#expectsKey = false;
          this.#keyBytes = [];
          return;
        }
        this.#beginValue(byte, isInside);
        this.#isInText = true;
        return;
      case OPEN_ARRAY:
      case OPEN_OBJECT: {
        const node = this.#beginValue(byte, isInside);
        this.#depth++;
        if (node !== undefined && node.children.size > 0) {
          this.#frames.push({ node, isArray: byte === OPEN_ARRAY });
          this.#expectsKey = byte === OPEN_OBJECT;
        }
        return;
      }
      default:
        if (this.#isInScalar) this.#keepByte(byte);
        else {
          this.#beginValue(byte, isInside);
          this.#isInScalar = true;
        }
    }
  }

  #beginValue(byte: number, isInside: boolean): Node | undefined {
    if (this.#current !== undefined && this.#depth === this.#current.depth + 1) this.#current.seen.isFilled = true;
    if (!isInside) {
      this.#keepByte(byte);
      return undefined;
    }
    const frame = this.#frames.at(-1);
    if (frame !== undefined) this.#fill(frame.node);
    const node = frame === undefined ? this.#root : frame.node.children.get(frame.isArray ? ANY_ELEMENT : this.#key);
    if (node?.isWatched) {
      const before = this.#seen.get(node.path);
      const seen: Seen = before ?? { firstByte: byte, isFilled: false, isRepeated: false, textBytes: 0 };
      seen.isRepeated = before !== undefined;
      seen.firstByte = byte;
      delete seen.raw;
      this.#seen.set(node.path, seen);
      // Only leaves are kept as text: of the others it is enough that they were there.
      if (node.children.size === 0) this.#current = { seen, depth: this.#depth, raw: [] };
    }
    this.#keepByte(byte);
    return node;
  }

  #fill(node: Node): void {
    const seen = this.#seen.get(node.path);
    if (seen !== undefined) seen.isFilled = true;
  }

  #endValue(): void {
    const current = this.#current;
    if (current === undefined || this.#depth !== current.depth) return;
    if (current.raw.length <= MAX_RAW_BYTES) current.seen.raw = decoder.decode(Uint8Array.from(current.raw));
    this.#current = undefined;
  }

  #keepByte(byte: number): void {
    const raw = this.#current?.raw;
    if (raw !== undefined && raw.length <= MAX_RAW_BYTES) raw.push(byte);
  }

  #keep(bytes: Uint8Array, from: number, to: number): void {
    for (let at = from; at < to && (this.#current?.raw.length ?? Infinity) <= MAX_RAW_BYTES; at++)
      this.#keepByte(bytes[at] ?? 0);
  }
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

function keyOf(bytes: readonly number[]): string {
  if (bytes.length > MAX_KEY_BYTES) return '';
  const text = decoder.decode(Uint8Array.from(bytes));
  if (!text.includes('\\')) return text;
  try {
    return JSON.parse(`"${text}"`) as string;
  } catch {
    return '';
  }
}
