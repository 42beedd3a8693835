import { JsonAnswerFilter } from './json-answer.ts';
import type { TaskKind } from './kinds/kind.ts';
import { kinds } from './kinds/kinds.ts';
import { StreamAnswerFilter } from './stream-answer.ts';
import type { AnswerUsage } from './usage.ts';

export type { AnswerUsage } from './usage.ts';

export interface AnswerEnd {
  /** Bytes that were still held back. */
  readonly outputs: readonly Uint8Array[];
  /** False: the answer stops in the middle. */
  readonly complete: boolean;
  /** True: the backend told of an error inside its answer. The buyer has seen it, and it is no answer to charge for. */
  readonly failed: boolean;
  /** As the backend told; absent when it did not, or told what can not be. */
  readonly usage?: AnswerUsage;
  /** By our own count, see `AnswerFilter.producedTokens`. */
  readonly producedTokens: number;
}

/** Stands between the bytes of a backend and those that a buyer gets: all pass unchanged, but for a usage chunk that only we asked for. */
export interface AnswerFilter {
  /** Takes bytes as they arrive; gives those that may go out now, as parts of the same memory where it can. Keeps no reference to `bytes`. */
  push(bytes: Uint8Array): Uint8Array[];
  /** The backend's answer is over. */
  end(): AnswerEnd;
  /** Tokens seen so far, a guess: one for 4 bytes of text, and of a stream at least one for each event with content. */
  producedTokens(): number;
  /** The figures that the backend told last, if they can be believed. */
  usage(): AnswerUsage | undefined;
}

export interface AnswerOptions {
  readonly taskKind: TaskKind;
  readonly stream: boolean;
  /** False: the backend was asked for the usage chunk of a chat stream and the buyer did not ask; it is taken out. */
  readonly usageWanted: boolean;
}

/**
 * Makes the filter of one answer. Servers that tell `"usage":null` in every chunk because we asked for usage (OpenAI does) still do: those bytes
 * stay as they came.
 */
export function answerFilter({ taskKind, stream, usageWanted }: AnswerOptions): AnswerFilter {
  const kind = kinds[taskKind];
  return stream && kind.stream !== undefined
    ? new StreamAnswerFilter(kind.stream, usageWanted || kind.stream !== 'chat-chunks')
    : new JsonAnswerFilter(kind);
}

/**
 * What a stream that broke ends with: clients of chat streams take one that merely ends for a whole answer. The leading blank line ends an event
 * that was cut. A response fails with a code on which clients do not buy the same answer again.
 */
export function brokenStreamEvent(taskKind: TaskKind, message: string): Uint8Array {
  const code = 'server_is_overloaded';
  const text =
    kinds[taskKind].stream === 'response-events'
      ? `event: response.failed\ndata: ${JSON.stringify({
          type: 'response.failed',
          sequence_number: 0,
          response: {
            id: 'resp_failed',
            object: 'response',
            status: 'failed',
            error: { code, message },
            output: [],
            usage: null,
          },
        })}`
      : `data: ${JSON.stringify({ error: { message, type: 'server_error', param: null, code } })}`;
  return new TextEncoder().encode(`\n\n${text}\n\n`);
}
