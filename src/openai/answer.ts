import type { AnswerFilter } from './answer-filter.ts';
import { JsonAnswerFilter } from './json-answer.ts';
import type { TaskKind } from './kinds/kind.ts';
import { kinds } from './kinds/kinds.ts';
import { StreamAnswerFilter } from './stream-answer.ts';

export type { AnswerUsage } from './usage.ts';

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
