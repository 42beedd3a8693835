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

export interface ScanLimits {
  /** Levels of nesting. */
  readonly maxDepth: number;
  /** Members and elements in the whole text: each costs time and memory once it is parsed. */
  readonly maxValues: number;
}

/** The text is no JSON object that every decoder reads alike. The message holds no text of the body but a key. */
export class JsonScanError extends Error {}

export const DEFAULT_SCAN_LIMITS: ScanLimits = { maxDepth: 64, maxValues: 32_768 };
const MAX_TOLD_KEY_CHARACTERS = 40;

const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * The members of the top-level object, in one pass over the brackets, commas and keys. Throws JsonScanError where decoders differ, a key that
 * stands twice in one object (some take the first, some the last), at any depth, compared unescaped; and above a limit. It judges no grammar:
 * what it gives holds for a text that JSON.parse accepts too, and that the caller has found to be UTF-8.
 */
export function scanObject(bytes: Uint8Array, limits: ScanLimits = DEFAULT_SCAN_LIMITS): JsonMember[] {
  const members: JsonMember[] = [];
  /** One for each open container: the keys seen in an object, undefined for an array. */
  const open: (Set<string> | undefined)[] = [];
  let values = 0;
  let expectsKey = false;
  let member: JsonMember = { key: '', keyStart: 0, keyEnd: 0, valueStart: 0, valueEnd: 0 };
  const endMember = (before: number): void => {
    if (member.valueStart > 0) members.push({ ...member, valueEnd: lastOf(bytes, before) + 1 });
    member = { ...member, valueStart: 0 };
  };
  for (let at = 0; at < bytes.length; at++) {
    switch (bytes[at]) {
      case QUOTE: {
        const end = endOfText(bytes, at);
        const keys = open.at(-1);
        if (expectsKey && keys !== undefined) {
          const key = keyIn(bytes, at, end);
          if (keys.has(key)) throw error(`the key ${told(key)} stands twice in one object`, at);
          keys.add(key);
          if (open.length === 1) member = { ...member, key, keyStart: at, keyEnd: end };
          expectsKey = false;
        }
        at = end - 1;
        break;
      }
      case COLON:
        if (open.length === 1) member = { ...member, valueStart: firstOf(bytes, at + 1) };
        break;
      case COMMA:
        if (++values > limits.maxValues) throw error(`more than ${limits.maxValues} values`, at);
        if (open.length === 1) endMember(at);
        expectsKey = open.at(-1) !== undefined;
        break;
      case OPEN_OBJECT:
      case OPEN_ARRAY:
        if (++values > limits.maxValues) throw error(`more than ${limits.maxValues} values`, at);
        expectsKey = bytes[at] === OPEN_OBJECT;
        open.push(expectsKey ? new Set() : undefined);
        if (open.length > limits.maxDepth) throw error(`nested more than ${limits.maxDepth} deep`, at);
        break;
      case CLOSE_OBJECT:
      case CLOSE_ARRAY:
        if (open.length === 1) endMember(at);
        open.pop();
        expectsKey = false;
    }
  }
  if (open.length > 0) throw error('the text ends inside an object or array', bytes.length);
  return members;
}

/** Just behind the closing quote of the text that opens at `start`. */
function endOfText(bytes: Uint8Array, start: number): number {
  for (let at = start + 1; at < bytes.length; at++) {
    if (bytes[at] === QUOTE) return at + 1;
    if (bytes[at] === BACKSLASH) at++;
  }
  throw error('the text ends inside a string', bytes.length);
}

function keyIn(bytes: Uint8Array, start: number, end: number): string {
  const raw = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString();
  if (!raw.includes('\\')) return raw.slice(1, -1);
  try {
    return JSON.parse(raw) as string;
  } catch {
    throw error('a bad escape in a key', start);
  }
}

function firstOf(bytes: Uint8Array, from: number): number {
  let at = from;
  while (at < bytes.length && bytes[at]! <= SPACE) at++;
  return at;
}

function lastOf(bytes: Uint8Array, before: number): number {
  let at = before - 1;
  while (at > 0 && bytes[at]! <= SPACE) at--;
  return at;
}

const told = (key: string): string => JSON.stringify(key.slice(0, MAX_TOLD_KEY_CHARACTERS));

const error = (what: string, at: number): JsonScanError => new JsonScanError(`${what}, at byte ${at}`);
