import { JSON_CONTENT_TYPE, SSE_CONTENT_TYPE } from '../protocol/content-type.ts';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../clock/clock.ts';
import { BackendError } from './backend.ts';
import type { Backend, BackendAnswer, BackendModel, BackendRequest, TaskKind } from './backend.ts';
import { chatAnswer } from './demo-chat.ts';
import { embeddingsAnswer } from './demo-embeddings.ts';
import { DEMO_MODEL, readChat, readResponse } from './demo-request.ts';
import type { DemoPiece } from './demo-request.ts';
import { responsesAnswer } from './demo-responses.ts';

export interface DemoBackendOptions {
  readonly name: string;
  readonly clock: Clock;
  /** Between two words of an answer. Default 15 ms. */
  readonly tokenDelayMs?: number;
}

const CONTEXT_TOKENS = 131_072;
const DEFAULT_TOKEN_DELAY_MS = 15;
/** Without delay, the event loop gets its turn after so many pieces. */
const PIECES_PER_TURN = 256;

const answers: Readonly<Record<TaskKind, (body: Uint8Array, stream: boolean, createdS: number) => DemoPiece[]>> = {
  'openai.chat_completions.v1': (body, ...how) => chatAnswer(readChat(body), ...how),
  'openai.responses.v1': (body, ...how) => responsesAnswer(readResponse(body), ...how),
  'openai.embeddings.v1': embeddingsAnswer,
};

/**
 * The built-in demo: answers without a model, says so, and says the same to the same question. For trying out everything else.
 * Words count as tokens.
 */
export function createDemoBackend(options: DemoBackendOptions): Backend {
  const { name, clock, tokenDelayMs = DEFAULT_TOKEN_DELAY_MS } = options;
  return {
    name,
    outputCapField: 'max_tokens',
    async run(request: BackendRequest, signal: AbortSignal): Promise<BackendAnswer> {
      throwIfAborted(signal);
      const createdS = Math.floor(clock.nowMs() / 1000);
      const pieces = answers[request.taskKind](request.body, request.stream, createdS);
      const contentType = request.stream ? SSE_CONTENT_TYPE : JSON_CONTENT_TYPE;
      return { contentType, body: paced(pieces, { clock, tokenDelayMs, signal }) };
    },
    models: (): Promise<BackendModel[]> =>
      Promise.resolve([
        { id: DEMO_MODEL, capabilities: ['completion', 'embedding'], contextTokens: CONTEXT_TOKENS, warm: true },
      ]),
    close: () => Promise.resolve(),
  };
}

async function* paced(
  pieces: readonly DemoPiece[],
  { clock, tokenDelayMs, signal }: { clock: Clock; tokenDelayMs: number; signal: AbortSignal },
): AsyncGenerator<Uint8Array, void> {
  for (const [index, { tokens, text }] of pieces.entries()) {
    if (tokens * tokenDelayMs > 0) await pause(clock, tokens * tokenDelayMs, signal);
    else if (index % PIECES_PER_TURN === PIECES_PER_TURN - 1) await nextTurn();
    throwIfAborted(signal);
    yield Buffer.from(text);
  }
}

/** Resolves in `delayMs`, or as soon as the signal aborts. */
function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const stop = () => {
      takeBack();
      resolve();
    };
    const takeBack = clock.timer(delayMs, () => {
      signal.removeEventListener('abort', stop);
      resolve();
    });
    signal.addEventListener('abort', stop, { once: true });
  });
}

function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw new BackendError('the call was aborted', { retryable: false, cause: signal.reason });
}
