const LF = 0x0a;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const CLOSING_BRACE = 0x7d;
const PREFIX = Buffer.from('data: {');
/** Moulds that are made in a row though no event fits: then the events of this stream differ in more than their text. */
const MAX_MOULDS_IN_VAIN = 8;
/** What a choice of a chat chunk may carry that a model produced. */
const textKeys = ['content', 'reasoning_content', 'reasoning', 'refusal'];
const callKeys = ['tool_calls', 'function_call'];
const watchedKeys = ['choices', 'usage', 'error', 'delta', ...textKeys, ...callKeys, 'function', 'arguments'];
/** A watched key; or a letter that is escaped, of which one may be made. */
const WATCHED_KEY = new RegExp(String.raw`"(?:${watchedKeys.join('|')})"(?=\s*:)|\\u00[5-7]`, 'g');

interface ChatChunk {
  readonly choices?: unknown;
  readonly usage?: unknown;
  readonly error?: unknown;
}

/** What the choices of one event carry; `textBytes` as JsonWatch counts them. */
interface Content {
  readonly hasContent: boolean;
  readonly textBytes: number;
}

export interface PlainTokenEvent extends Content {
  readonly end: number;
}

/** An event around its text: what the events of a stream have in common. */
interface Mould {
  readonly before: Buffer;
  /** From the quote that ends the text to the blank line. */
  readonly after: Buffer;
}

/**
 * Finds the events of one stream that are whole, of one line, and nothing but tokens: their JSON has an element in `choices`, neither usage nor
 * error, and no key twice that is looked for. Most are of this kind. Each is parsed, which is ten times as fast as reading byte by byte; one that
 * differs from the last that was parsed only in its text is not even parsed.
 */
export class PlainTokenEvents {
  #mould: Mould | undefined;
  #mouldsInVain = 0;

  /** The event that begins at `from`. Undefined: it is, or may be, something else. There must be no carriage return from there on. */
  at(bytes: Buffer, from: number): PlainTokenEvent | undefined {
    const lineEnd = bytes.indexOf(LF, from);
    if (lineEnd < 0 || bytes[lineEnd + 1] !== LF || bytes[lineEnd - 1] !== CLOSING_BRACE) return undefined;
    const end = lineEnd + 2;
    const textBytes = this.#textBytes(bytes, from, end);
    return textBytes === undefined ? this.#parsed(bytes, from, end) : { end, hasContent: textBytes > 0, textBytes };
  }

  /** How long the text is of an event that fits the mould; undefined: it does not, or its text may end elsewhere. */
  #textBytes(bytes: Buffer, from: number, end: number): number | undefined {
    if (this.#mould === undefined) return undefined;
    const { before, after } = this.#mould;
    const textStart = from + before.length;
    const textEnd = end - after.length;
    if (textStart > textEnd) return undefined;
    if (bytes.compare(before, 0, before.length, from, textStart) !== 0) return undefined;
    if (bytes.compare(after, 0, after.length, textEnd, end) !== 0) return undefined;
    for (let at = textStart; at < textEnd; at++) if (bytes[at] === QUOTE || bytes[at] === BACKSLASH) return undefined;
    this.#mouldsInVain = 0;
    return textEnd - textStart;
  }

  #parsed(bytes: Buffer, from: number, end: number): PlainTokenEvent | undefined {
    if (end - from < PREFIX.length) return undefined;
    if (bytes.compare(PREFIX, 0, PREFIX.length, from, from + PREFIX.length) !== 0) return undefined;
    // Latin-1 is the fastest way to a string; the keys are ASCII, and what the values say does not matter here.
    const event = bytes.toString('latin1', from, end);
    const content = contentOf(event);
    if (content?.hasContent === true && this.#mouldsInVain < MAX_MOULDS_IN_VAIN) {
      this.#mouldsInVain++;
      this.#mould = mouldOf(event) ?? this.#mould;
    }
    return content === undefined ? undefined : { end, ...content };
  }
}

/** The content of an event of nothing but tokens; undefined: it is something else. */
function contentOf(event: string): Content | undefined {
  let chunk: ChatChunk;
  try {
    chunk = JSON.parse(event.slice(PREFIX.length - 1)) as ChatChunk;
  } catch {
    return undefined;
  }
  if (mayRepeatKeys(event)) return undefined;
  const { choices } = chunk;
  if ((chunk.usage ?? chunk.error ?? undefined) !== undefined) return undefined;
  if (!Array.isArray(choices) || choices.length === 0) return undefined;
  const deltas = choices.map(deltaOf);
  return {
    hasContent: deltas.some(
      (delta) => textKeys.some((key) => isFilled(delta[key])) || callKeys.some((key) => hasMembers(delta[key])),
    ),
    textBytes: deltas.reduce((sum, delta) => sum + textBytesOf(delta), 0),
  };
}

/** Of a key that stands twice JSON.parse tells the last one only; whoever reads byte by byte has seen both. */
function mayRepeatKeys(event: string): boolean {
  const found = event.match(WATCHED_KEY) ?? [];
  return new Set(found).size < found.length || found.some((one) => one.startsWith('\\'));
}

/** The first text of an event that has content. It must be all the content there is: without it the event has none. */
function mouldOf(event: string): Mould | undefined {
  const text = /"(?:content|reasoning_content|reasoning)": ?"([^"\\]+)"/d.exec(event)?.indices?.[1];
  if (text === undefined) return undefined;
  const [before, after] = [event.slice(0, text[0]), event.slice(text[1])];
  if (contentOf(before + after)?.hasContent !== false) return undefined;
  return { before: Buffer.from(before, 'latin1'), after: Buffer.from(after, 'latin1') };
}

type Delta = Readonly<Record<string, unknown>>;

const deltaOf = (choice: unknown): Delta => (choice as { readonly delta?: Delta | null } | null)?.delta ?? {};

const isFilled = (value: unknown): boolean => (typeof value === 'string' ? value !== '' : hasMembers(value));

const hasMembers = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length > 0;

/** In Latin-1, a character is a byte. */
function textBytesOf(delta: Delta): number {
  const calls = Array.isArray(delta['tool_calls']) ? (delta['tool_calls'] as unknown[]) : [];
  const functions = [...calls.map((call) => fieldOf(call, 'function')), delta['function_call']];
  const texts = [...textKeys.map((key) => delta[key]), ...functions.map((one) => fieldOf(one, 'arguments'))];
  return texts.reduce<number>((sum, text) => (typeof text === 'string' ? sum + text.length : sum), 0);
}

const fieldOf = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Delta)[key] : undefined;
