/** The text is no JSON object that every decoder reads alike. The message holds no text of the body but a key. */
export class JsonScanError extends Error {}

const SPACE = 0x20;
const BACKSLASH = 0x5c;
export const QUOTE = 0x22;
export const COMMA = 0x2c;
export const COLON = 0x3a;
export const OPEN_ARRAY = 0x5b;
export const CLOSE_ARRAY = 0x5d;
export const OPEN_OBJECT = 0x7b;
export const CLOSE_OBJECT = 0x7d;
const MARKS = new Uint8Array(256);
for (const mark of [QUOTE, COMMA, COLON, OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT]) MARKS[mark] = 1;

/** The next byte that is a bracket, a comma, a colon or a quote. */
export function nextMark(bytes: Uint8Array, from: number): number {
  let at = from;
  while (at < bytes.length && MARKS[bytes[at]!] !== 1) at++;
  return at;
}

/** Just behind the closing quote of the text that opens at `start`. */
export function endOfText(bytes: Uint8Array, start: number): number {
  for (let at = start + 1; at < bytes.length; at++) {
    if (bytes[at] === QUOTE) return at + 1;
    if (bytes[at] === BACKSLASH) at++;
  }
  throw error('the text ends inside a string', bytes.length);
}

export function keyIn(bytes: Uint8Array, start: number, end: number): string {
  const raw = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString();
  if (!raw.includes('\\')) return raw.slice(1, -1);
  try {
    return JSON.parse(raw) as string;
  } catch {
    throw error('a bad escape in a key', start);
  }
}

export function firstOf(bytes: Uint8Array, from: number): number {
  let at = from;
  while (at < bytes.length && bytes[at]! <= SPACE) at++;
  return at;
}

export function lastOf(bytes: Uint8Array, before: number): number {
  let at = before - 1;
  while (at > 0 && bytes[at]! <= SPACE) at--;
  return at;
}

export const error = (what: string, at: number): JsonScanError => new JsonScanError(`${what}, at byte ${at}`);
