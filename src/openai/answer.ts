import type { TaskKind } from './request.ts';
import { SseSplitter } from './sse.ts';
import type { SseEvent } from './sse.ts';
import { usageIn } from './usage.ts';
import type { AnswerUsage } from './usage.ts';

export interface AnswerEnd {
  /** Bytes that were still held. */
  readonly outputs: readonly Uint8Array[];
  /** False: the stream stopped without its last event, or the JSON is cut. */
  readonly complete: boolean;
  /** The backend's own figures; absent when it gave none. */
  readonly usage?: AnswerUsage;
}

/** Stands between backend and buyer: bytes go through unchanged, but for the usage chunk that we asked for and the buyer did not. */
export interface AnswerFilter {
  /** The bytes that may leave now. */
  push(bytes: Uint8Array): Uint8Array[];
  end(): AnswerEnd;
  /** Tokens that passed so far, by our own count: one for each piece of text. */
  producedTokens(): number;
}

export interface AnswerKind {
  readonly taskKind: TaskKind;
  readonly stream: boolean;
  readonly usageWanted: boolean;
}

export function answerFilter(kind: AnswerKind): AnswerFilter {
  return kind.stream ? new StreamFilter(kind) : new JsonFilter();
}

/** What a client sees when a stream breaks: most take a stream that merely ends for a whole answer. */
export function brokenStreamEvent(taskKind: TaskKind, message: string): Uint8Array {
  const error = { message, type: 'server_error', code: 'server_is_overloaded', param: null };
  const text =
    taskKind === 'openai.responses.v1'
      ? `event: error\ndata: ${JSON.stringify({ ...error, type: 'error', sequence_number: 0, error })}\n\n`
      : `data: ${JSON.stringify({ error })}\n\n`;
  return new TextEncoder().encode(text);
}

/** An event is held back only while it may still turn out to be the usage chunk; none is that large. */
const MAX_HELD_BYTES = 65_536;
const responsesEnds = ['response.completed', 'response.failed', 'response.incomplete'];

class StreamFilter implements AnswerFilter {
  readonly #kind: AnswerKind;
  readonly #splitter = new SseSplitter();
  #usage: AnswerUsage | undefined;
  #isComplete = false;
  #produced = 0;
  /** The event under way was too large to hold: its bytes have left already. */
  #hasLeft = false;

  constructor(kind: AnswerKind) {
    this.#kind = kind;
  }

  push(bytes: Uint8Array): Uint8Array[] {
    const outputs: Uint8Array[] = [];
    for (const event of this.#splitter.push(bytes)) {
      const hasLeft = this.#hasLeft;
      this.#hasLeft = false;
      if (this.#passes(event) || hasLeft) outputs.push(event.bytes);
    }
    if (this.#splitter.heldBytes > MAX_HELD_BYTES) {
      outputs.push(this.#splitter.flush());
      this.#hasLeft = true;
    }
    return outputs;
  }

  end(): AnswerEnd {
    const rest = this.#splitter.flush();
    return {
      outputs: rest.length === 0 ? [] : [rest],
      complete: this.#isComplete,
      ...(this.#usage === undefined ? {} : { usage: this.#usage }),
    };
  }

  producedTokens(): number {
    return this.#produced;
  }

  /** Reads an event; false: it is the usage chunk that only we asked for. */
  #passes(event: SseEvent): boolean {
    const data = event.data();
    if (data === '[DONE]') {
      this.#isComplete = true;
      return true;
    }
    const parsed = parseObject(data);
    if (parsed === undefined) return true;
    const usage = usageIn(parsed['usage']) ?? usageIn((parsed['response'] as { usage?: unknown } | undefined)?.usage);
    if (usage !== undefined) this.#usage = usage;
    if (this.#kind.taskKind === 'openai.responses.v1') {
      const { type } = parsed;
      if (typeof type === 'string' && responsesEnds.includes(type)) this.#isComplete = true;
      if (typeof type === 'string' && type.endsWith('.delta')) this.#produced++;
      return true;
    }
    const { choices } = parsed;
    if (!Array.isArray(choices)) return true;
    this.#produced += choices.filter(hasText).length;
    return choices.length > 0 || usage === undefined || this.#kind.usageWanted;
  }
}

/** A JSON answer passes as it is; it is read once, at its end, for its usage. */
class JsonFilter implements AnswerFilter {
  readonly #parts: Uint8Array[] = [];
  #bytes = 0;

  push(bytes: Uint8Array): Uint8Array[] {
    this.#bytes += bytes.length;
    if (this.#bytes <= MAX_PARSED_BYTES) this.#parts.push(bytes.slice());
    else this.#parts.length = 0;
    return [bytes];
  }

  end(): AnswerEnd {
    if (this.#bytes > MAX_PARSED_BYTES) return { outputs: [], complete: true };
    const parsed = parseObject(new TextDecoder().decode(Buffer.concat(this.#parts)));
    const usage = usageIn(parsed?.['usage']);
    return { outputs: [], complete: parsed !== undefined, ...(usage === undefined ? {} : { usage }) };
  }

  producedTokens(): number {
    return Math.ceil(this.#bytes / BYTES_PER_TOKEN);
  }
}

/** Whether a chunk's choice carries something that a model produced: the role and the finish reason are no tokens. */
function hasText(choice: unknown): boolean {
  const { delta } = choice as { delta?: Record<string, unknown> | null };
  return Object.entries(delta ?? {}).some(([key, value]) => key !== 'role' && value !== null && value !== '' && value !== undefined);
}

const BYTES_PER_TOKEN = 4;
/** A larger answer is not read for its usage: parsing it would block the event loop. */
const MAX_PARSED_BYTES = 1024 * 1024;

function parseObject(text: string): Record<string, unknown> | undefined {
  if (!text.startsWith('{') && !text.trimStart().startsWith('{')) return undefined;
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
