import { PlainTokenEvents } from './plain-token-event.ts';
import type { AnswerEnd, AnswerFilter } from './answer-filter.ts';
import { JsonWatch } from './json-watch.ts';
import type { Seen } from './json-watch.ts';
import type { StreamFormat } from './kinds/kind.ts';
import { SseReader } from './sse.ts';
import type { SseListener } from './sse.ts';
import { tokensOfText, usageOf } from './usage.ts';
import type { AnswerUsage } from './usage.ts';

/** No usage chunk is that long: what is longer is let go. */
const MAX_HELD_BYTES = 65_536;
const OPEN_ARRAY = 0x5b;
const OPEN_OBJECT = 0x7b;
const QUOTE = 0x22;
const CR = 0x0d;
const DONE = '[DONE]';
const NONE = new Uint8Array();

const inDelta = (keys: readonly string[]): string[] => keys.map((key) => `choices.*.delta.${key}`);
const textKeys = ['content', 'reasoning_content', 'reasoning', 'refusal'];
const deltaPaths = inDelta([...textKeys, 'tool_calls', 'function_call']);
const textPaths = inDelta([...textKeys, 'tool_calls.*.function.arguments', 'function_call.arguments']);
const chatPaths = ['choices', 'usage', 'error', ...new Set([...deltaPaths, ...textPaths])];
const responsesPaths = ['type', 'delta', 'response.usage', 'error'];
const terminalEvents = new Set(['"response.completed"', '"response.incomplete"', '"response.failed"', '"error"']);
const failedEvents = new Set(['"response.failed"', '"error"']);

const isError = (seen: Seen | undefined): boolean => seen?.firstByte === OPEN_OBJECT || seen?.firstByte === QUOTE;

/**
 * One SSE stream. Bytes pass as they arrive; only while the event under way may still turn out to be the usage chunk that nobody but us asked
 * for are its bytes held, which is until its `choices` are seen to have an element.
 */
export class StreamAnswerFilter implements AnswerFilter, SseListener {
  readonly #isChat: boolean;
  /** True: nothing is ever taken out, so nothing is held. */
  readonly #passesAll: boolean;
  readonly #reader = new SseReader();
  readonly #watch: JsonWatch;
  readonly #plainEvents = new PlainTokenEvents();
  #outputs: Uint8Array[] = [];
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #isHolding: boolean;
  /** The bytes being pushed, and where those begin that were neither given out nor held. */
  #bytes: Uint8Array = NONE;
  #from = 0;
  /** Where the last output begins, when it is a part of these bytes that reaches up to `#from`. */
  #outputFrom: number | undefined;
  /** The event that ended last was taken out: the second half of its CRLF goes too. */
  #isTakenOut = false;
  /** The event under way has lines that are no comments. */
  #hasLines = false;
  /** First bytes of the event's data; enough to know `[DONE]`. */
  #head = '';
  /** A line of data has ended; what comes after it in the same event is more data. */
  #isHeadOver = false;
  #hasMoreData = false;
  #usage: AnswerUsage | undefined;
  #isComplete = false;
  #hasFailed = false;
  #tokenEvents = 0;
  #textBytes = 0;

  constructor(format: StreamFormat, passesAll: boolean) {
    this.#isChat = format === 'chat-chunks';
    this.#passesAll = passesAll;
    this.#isHolding = !passesAll;
    this.#watch = new JsonWatch(this.#isChat ? chatPaths : responsesPaths);
  }

  push(bytes: Uint8Array): Uint8Array[] {
    this.#bytes = bytes;
    this.#from = 0;
    this.#outputs = [];
    this.#outputFrom = undefined;
    for (let at = 0; at < bytes.length;) {
      if (this.#isBetweenEvents) at = this.#skim(bytes, at);
      if (at < bytes.length) at = this.#reader.push(bytes, at, this);
    }
    this.#letGoOfTooMuch(bytes.length);
    if (this.#isHolding) this.#hold(bytes.length);
    else this.#giveOut(bytes.length);
    this.#bytes = NONE;
    return this.#outputs;
  }

  end(): AnswerEnd {
    // A last event without its blank line: clients read it all the same.
    this.#bytes = NONE;
    this.#from = 0;
    this.#outputs = [];
    this.#outputFrom = undefined;
    this.event(0);
    return {
      outputs: this.#outputs,
      complete: this.#isComplete,
      failed: this.#hasFailed,
      ...(this.#usage && { usage: this.#usage }),
      producedTokens: this.producedTokens(),
    };
  }

  producedTokens(): number {
    return Math.max(this.#tokenEvents, tokensOfText(this.#textBytes));
  }

  usage(): AnswerUsage | undefined {
    return this.#usage;
  }

  get #isBetweenEvents(): boolean {
    const isFresh = !this.#hasLines && this.#head === '' && this.#heldBytes === 0;
    return this.#isChat && isFresh && this.#reader.isAtLineStart;
  }

  /** Passes plain token events that are here as a whole; stops at anything else: that is for the reader. */
  #skim(bytes: Uint8Array, from: number): number {
    const end = bytes.indexOf(CR, from); // it would end a line
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, end < 0 ? bytes.length : end);
    let at = from;
    for (;;) {
      const next = this.#plainEvents.at(buffer, at);
      if (next === undefined) return at;
      if (next.hasContent) this.#tokenEvents++;
      this.#textBytes += next.textBytes;
      at = next.end;
      this.#isTakenOut = false;
      this.#giveOut(at);
    }
  }

  data(bytes: Uint8Array, from: number, to: number): void {
    this.#isTakenOut = false;
    if (this.#isHeadOver) this.#hasMoreData = true;
    const missing = DONE.length + 1 - this.#head.length;
    if (missing > 0) this.#head += String.fromCharCode(...bytes.subarray(from, Math.min(to, from + missing)));
    this.#watch.push(bytes, from, to);
    if (this.#isHolding && !this.#mayBeUsage()) this.#letGo();
  }

  line(at: number, isComment: boolean): void {
    this.#isTakenOut = false;
    this.#isHeadOver = this.#head !== '';
    if (!isComment) this.#hasLines = true;
    else if (!this.#hasLines) this.#letLineGo(at);
  }

  lineFeed(at: number): void {
    if (this.#isTakenOut) this.#skipTo(at + 1);
    else if (this.#heldBytes === 0 && this.#from === at) this.#giveOut(at + 1); // what it ends has left already
    this.#isTakenOut = false;
  }

  event(at: number): void {
    this.#letGoOfTooMuch(at);
    const isUsageChunk = this.#read();
    this.#isTakenOut = this.#isHolding && isUsageChunk;
    if (this.#isTakenOut) {
      this.#held = [];
      this.#heldBytes = 0;
      this.#skipTo(at);
    } else {
      this.#letGo();
      this.#giveOut(at);
    }
    this.#isHolding = !this.#passesAll;
    this.#hasLines = false;
    this.#head = '';
    this.#isHeadOver = this.#hasMoreData = false;
    this.#watch.reset();
  }

  /** Reads the event that has ended; true: it is a chat's usage chunk. */
  #read(): boolean {
    if (this.#head === '') return false;
    if (!this.#isChat) return this.#readResponseEvent();
    if (this.#head.trim() === DONE && !this.#hasMoreData) this.#isComplete = true;
    if (isError(this.#watch.seen('error'))) this.#isComplete = this.#hasFailed = true;
    if (deltaPaths.some((path) => this.#watch.seen(path)?.isFilled)) this.#tokenEvents++;
    for (const path of textPaths) this.#textBytes += this.#watch.seen(path)?.textBytes ?? 0;
    const usage = this.#watch.seen('usage');
    this.#usage = usageOf(usage?.raw, this.#tokenEvents > 0) ?? this.#usage;
    const choices = this.#watch.seen('choices');
    return (
      this.#watch.isWhole && choices?.firstByte === OPEN_ARRAY && !choices.isFilled && usage?.firstByte === OPEN_OBJECT
    );
  }

  #readResponseEvent(): false {
    const type = this.#watch.seen('type')?.raw ?? '';
    if (type.endsWith('.delta"')) {
      this.#tokenEvents++;
      this.#textBytes += this.#watch.seen('delta')?.textBytes ?? 0;
    }
    if (terminalEvents.has(type)) this.#isComplete = true;
    if (failedEvents.has(type) || (type === '' && isError(this.#watch.seen('error'))))
      this.#isComplete = this.#hasFailed = true;
    this.#usage = usageOf(this.#watch.seen('response.usage')?.raw, this.#tokenEvents > 0) ?? this.#usage;
    return false;
  }

  /** Whether the event, as far as it came, may be a chunk with empty `choices` and a `usage`. Once it may not, no more of it changes that. */
  #mayBeUsage(): boolean {
    if (!/^\s*(\{|$)/.test(this.#head)) return false;
    const choices = this.#watch.seen('choices');
    const usage = this.#watch.seen('usage');
    if (choices?.isRepeated === true || usage?.isRepeated === true) return false;
    if (choices !== undefined && (choices.firstByte !== OPEN_ARRAY || choices.isFilled)) return false;
    return usage === undefined || usage.firstByte === OPEN_OBJECT;
  }

  #letGoOfTooMuch(to: number): void {
    if (this.#isHolding && this.#heldBytes + to - this.#from > MAX_HELD_BYTES) this.#letGo();
  }

  #letGo(): void {
    this.#isHolding = false;
    if (this.#held.length === 0) return;
    this.#outputs.push(...this.#held);
    this.#outputFrom = undefined;
    this.#held = [];
    this.#heldBytes = 0;
  }

  /** A comment before an event is no part of it. */
  #letLineGo(at: number): void {
    this.#letGo();
    this.#giveOut(at);
    this.#isHolding = !this.#passesAll;
  }

  #giveOut(to: number): void {
    if (to <= this.#from) return;
    if (this.#outputFrom === undefined) this.#outputFrom = this.#from;
    else this.#outputs.pop();
    this.#outputs.push(this.#bytes.subarray(this.#outputFrom, to));
    this.#from = to;
  }

  #skipTo(at: number): void {
    this.#from = at;
    this.#outputFrom = undefined;
  }

  #hold(to: number): void {
    if (to <= this.#from) return;
    this.#held.push(this.#bytes.slice(this.#from, to)); // a copy: the memory belongs to the network
    this.#heldBytes += to - this.#from;
    this.#from = to;
  }
}
