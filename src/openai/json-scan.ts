import {
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  COLON,
  COMMA,
  OPEN_ARRAY,
  OPEN_OBJECT,
  QUOTE,
  endOfText,
  error,
  firstOf,
  keyIn,
  lastOf,
  nextMark,
} from './json-bytes.ts';
import { toldKey } from './rule.ts';
import { finish } from '../turns/steps.ts';

export { JsonScanError } from './json-bytes.ts';

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

export const DEFAULT_SCAN_LIMITS: ScanLimits = { maxDepth: 64, maxValues: 25_000 };
const VALUES_PER_STEP = 8_192;

/**
 * The members of the top-level object, in one pass over the brackets, commas and keys. Throws JsonScanError where decoders differ, a key that
 * stands twice in one object (some take the first, some the last), at any depth, compared unescaped; and above a limit. It judges no grammar:
 * what it gives holds for a text that JSON.parse accepts too, and that the caller has found to be UTF-8. It yields now and then.
 */
export function* scanObjectInSteps(bytes: Uint8Array, limits: ScanLimits): Generator<void, JsonMember[]> {
  const members: JsonMember[] = [];
  /** One for each open container: the keys seen in an object, undefined for an array. */
  const open: (Set<string> | undefined)[] = [];
  let values = 0;
  let pauseAt = VALUES_PER_STEP;
  let expectsKey = false;
  let member: JsonMember = { key: '', keyStart: 0, keyEnd: 0, valueStart: 0, valueEnd: 0 };
  const endMember = (before: number): void => {
    if (member.valueStart > 0) members.push({ ...member, valueEnd: lastOf(bytes, before) + 1 });
    member = { ...member, valueStart: 0 };
  };
  for (let at = nextMark(bytes, 0); at < bytes.length; at = nextMark(bytes, at + 1)) {
    switch (bytes[at]) {
      case QUOTE: {
        const end = endOfText(bytes, at);
        const keys = open.at(-1);
        if (expectsKey && keys !== undefined) {
          const key = keyIn(bytes, at, end);
          if (keys.has(key)) throw error(`the key "${toldKey(key)}" stands twice in one object`, at);
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
        if (values >= pauseAt) {
          yield;
          pauseAt = values + VALUES_PER_STEP;
        }
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

/** As `scanObjectInSteps`, at once. */
export function scanObject(bytes: Uint8Array, limits: ScanLimits = DEFAULT_SCAN_LIMITS): JsonMember[] {
  return finish(scanObjectInSteps(bytes, limits));
}
