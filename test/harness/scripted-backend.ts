import { BackendError } from '../../src/backend/backend.ts';
import type { Backend, BackendAnswer, BackendModel, BackendRequest } from '../../src/backend/backend.ts';

export const MODEL = 'test-model';
/** A model that can do embeddings, and nothing else. */
export const EMBEDDER = 'test-embedder';
export const JSON_TYPE = 'application/json; charset=utf-8';
export const SSE_TYPE = 'text/event-stream; charset=utf-8';

/** How one call is answered: throws before the first byte, or gives the pieces of the body. */
export type Script = (request: BackendRequest, signal: AbortSignal) => AsyncGenerator<Uint8Array | string>;

/** A gate in the middle of an answer. */
export interface Gate {
  readonly passed: Promise<void>;
  open(): void;
}

export function gate(): Gate {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { passed: promise, open: resolve };
}

/** Answers with these pieces; a gate among them holds the rest back until it is opened. */
export const answers = (...pieces: readonly (string | Uint8Array | Gate)[]): Script =>
  async function* (_request, signal) {
    for (const piece of pieces) {
      if (typeof piece === 'object' && 'passed' in piece) await orAborted(piece.passed, signal);
      else yield piece;
    }
  };

export const failsBefore = (retryable = true, status = 500): Script =>
  // oxlint-disable-next-line require-yield
  async function* () {
    throw new BackendError('the script says so', { retryable, status });
  };

/** Loses patience before the first byte, as the drivers do. */
export const missesFirstByte: Script =
  // oxlint-disable-next-line require-yield
  async function* () {
    throw new BackendError('too slow', { retryable: true, missed: 'first-byte' });
  };

export const breaksAfter = (...pieces: readonly (string | Gate)[]): Script =>
  async function* (request, signal) {
    yield* answers(...pieces)(request, signal);
    throw new BackendError('the script says so, in the middle', { retryable: false });
  };

/** Takes the call and says nothing, ever. */
export const staysSilent: Script = answers({ passed: new Promise(() => {}), open: () => {} });

/** A chat completion as JSON. */
export const completion = (text: string, usage = { prompt_tokens: 20, completion_tokens: 5 }): string =>
  JSON.stringify({
    id: 'chatcmpl-1',
    object: 'chat.completion',
    choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
    usage,
  });

export const delta = (text: string): string =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: text } }] })}\n\n`;
export const usageChunk = (prompt: number, output: number): string =>
  `data: ${JSON.stringify({ choices: [], usage: { prompt_tokens: prompt, completion_tokens: output } })}\n\n`;
export const DONE = 'data: [DONE]\n\n';

/** A backend that answers call by call as it was told, and remembers what it was sent. */
export class ScriptedBackend implements Backend {
  readonly name: string;
  readonly outputCapField = 'max_tokens';
  readonly requests: BackendRequest[] = [];
  /** What it lists. */
  stock: readonly BackendModel[] = [{ id: MODEL }, { id: EMBEDDER, capabilities: ['embedding'] }];
  /** Models that it was told to load; `loading` holds that back. */
  readonly loads: string[] = [];
  loading: Gate | undefined;
  /** Calls that were given up while they ran. */
  aborts = 0;
  #scripts: Script[] = [];

  constructor(name = 'scripted') {
    this.name = name;
  }

  /** How the next calls go, in order; the last one stays for all that follow. */
  will(...scripts: readonly Script[]): this {
    this.#scripts = [...scripts];
    return this;
  }

  async run(request: BackendRequest, signal: AbortSignal): Promise<BackendAnswer> {
    this.requests.push({ ...request, body: new Uint8Array(request.body) });
    signal.addEventListener('abort', () => this.aborts++, { once: true });
    const script = this.#scripts.length > 1 ? this.#scripts.shift() : this.#scripts[0];
    if (script === undefined) throw new BackendError('no script', { retryable: false });
    this.#hasLoaded(request.model);
    const pieces = script(request, signal);
    const first = await pieces.next();
    return { contentType: request.stream ? SSE_TYPE : JSON_TYPE, body: bytesOf(first, pieces) };
  }

  models(): Promise<BackendModel[]> {
    return Promise.resolve([...this.stock]);
  }

  async warm(model: string, signal: AbortSignal): Promise<void> {
    this.loads.push(model);
    if (this.loading !== undefined) await orAborted(this.loading.passed, signal);
    this.#hasLoaded(model);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #hasLoaded(model: string): void {
    this.stock = this.stock.map((known) =>
      known.id === model && known.warm === false ? { ...known, warm: true } : known,
    );
  }
}

async function* bytesOf(
  first: IteratorResult<Uint8Array | string>,
  rest: AsyncGenerator<Uint8Array | string>,
): AsyncGenerator<Uint8Array> {
  if (first.done === true) return;
  yield Buffer.from(first.value);
  for await (const piece of rest) yield Buffer.from(piece);
}

function orAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(new BackendError('aborted', { retryable: false }));
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject);
  });
}
