import { OpenAI } from 'openai';
import { z } from 'zod';
import type { Clock } from '../clock/clock.ts';
import { kinds } from '../openai/request.ts';
import { answerBody, bytesOf } from './answer-body.ts';
import { BackendError } from './backend.ts';
import type { Backend, BackendAnswer, BackendModel, BackendRequest, OutputCapField, TaskKind } from './backend.ts';
import { CallGuard, ended } from './call-guard.ts';
import { TaskKindProbe } from './task-kind-probe.ts';
import { errorBeforeAnswer } from './upstream-error.ts';
import { createUpstreamFetch } from './upstream-fetch.ts';

export interface OpenAiBackendOptions {
  readonly name: string;
  /** Base URL of the API, with its version: `http://127.0.0.1:8000/v1`. */
  readonly url: string;
  /** Absent: no authorization is sent. */
  readonly apiKey?: string;
  readonly outputCapField: OutputCapField;
  /** The kinds of work that the server takes. Absent: it is asked. */
  readonly taskKinds?: readonly TaskKind[];
  readonly clock: Clock;
  /** Until the first byte of a streamed answer. */
  readonly firstByteTimeoutMs: number;
  /** Between two reads of an answer's bytes; the consumer's own time does not count. */
  readonly idleTimeoutMs: number;
  /** Until the first byte of an answer that is not streamed: it comes when all of it was generated. Default 30 min. */
  readonly wholeAnswerTimeoutMs?: number;
  /** Until a list of models is complete, and again until the server has told which kinds of work it takes. Default 10 s. */
  readonly modelsTimeoutMs?: number;
}

const DEFAULT_WHOLE_ANSWER_TIMEOUT_MS = 1_800_000;
export const DEFAULT_MODELS_TIMEOUT_MS = 10_000;
/** The longest that the library takes: the time limits are ours. */
const NO_TIMEOUT_MS = 2_147_483_647;

const tokens = z.int().positive().optional().catch(undefined);

/**
 * The context as loaded: vLLM and SGLang tell it as max_model_len, llama.cpp that of one slot as meta.n_ctx. What other servers call context is
 * that of the training.
 */
const modelList = z.object({
  data: z.array(
    z.object({
      id: z.string().min(1),
      max_model_len: tokens,
      meta: z.object({ n_ctx: tokens }).nullish().catch(undefined),
    }),
  ),
});

/** Any server that speaks the OpenAI API. The request's bytes go up and the answer's bytes come back unchanged; nothing is tried twice. */
export function createOpenAiBackend(options: OpenAiBackendOptions): Backend {
  const { name, url, clock, outputCapField, firstByteTimeoutMs, idleTimeoutMs } = options;
  const modelsTimeoutMs = options.modelsTimeoutMs ?? DEFAULT_MODELS_TIMEOUT_MS;
  const apiKey = options.apiKey === '' ? undefined : options.apiKey;
  const upstream = createUpstreamFetch(clock, apiKey);
  const probe = new TaskKindProbe({ url, upstream, clock, timeoutMs: modelsTimeoutMs });
  // Every setting that the library would otherwise take from OPENAI_* is given.
  const client = new OpenAI({
    baseURL: url,
    apiKey: apiKey ?? 'none',
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    logLevel: 'off',
    maxRetries: 0,
    timeout: NO_TIMEOUT_MS,
    fetch: upstream.fetch,
  });

  return {
    name,
    outputCapField,
    async run(request: BackendRequest, signal: AbortSignal): Promise<BackendAnswer> {
      const guard = new CallGuard(clock, signal);
      try {
        guard.throwIfEnded();
        const firstByteLimitMs = request.stream
          ? firstByteTimeoutMs
          : (options.wholeAnswerTimeoutMs ?? DEFAULT_WHOLE_ANSWER_TIMEOUT_MS);
        guard.limit(firstByteLimitMs, 'the backend did not begin to answer', { retryable: true, missed: 'first-byte' });
        const headers = { accept: request.stream ? 'text/event-stream' : 'application/json' };
        const posted = client.post(kinds[request.taskKind].path, { body: request.body, headers, signal: guard.signal });
        const response = await posted.asResponse();
        const contentType = checkedContentType(response, request.stream);
        const bytes = bytesOf(response);
        const first = await bytes.next();
        guard.throwIfEnded();
        guard.relax();
        if (first.done === true) throw new BackendError('the backend sent an empty answer', { retryable: true });
        return { contentType, body: answerBody(first.value, bytes, guard, idleTimeoutMs) };
      } catch (error) {
        const failed = ended(guard, errorBeforeAnswer(error));
        if (!signal.aborted) probe.failed(failed);
        throw failed;
      }
    },
    async models(): Promise<BackendModel[]> {
      const guard = new CallGuard(clock);
      try {
        guard.limit(modelsTimeoutMs, 'the backend did not list its models', { retryable: true });
        const response = await client.get('/models', { signal: guard.signal }).asResponse();
        const list = modelList.safeParse(await response.json());
        guard.throwIfEnded();
        guard.finish();
        if (!list.success)
          throw new BackendError('the backend lists its models in an unknown shape', { retryable: false });
        const taskKinds = options.taskKinds ?? (await probe.taken());
        return list.data.data.map(({ id, max_model_len, meta }) => {
          const contextTokens = max_model_len ?? meta?.n_ctx;
          return { id, ...(taskKinds && { taskKinds }), ...(contextTokens === undefined ? {} : { contextTokens }) };
        });
      } catch (error) {
        probe.forget();
        if (error instanceof SyntaxError) {
          throw ended(
            guard,
            new BackendError('the backend lists its models in something other than JSON', { retryable: false }),
          );
        }
        throw ended(guard, errorBeforeAnswer(error));
      }
    },
    async close(): Promise<void> {
      upstream.close();
    },
  };
}

function checkedContentType(response: Response, stream: boolean): string {
  const expected = stream ? 'text/event-stream' : 'application/json';
  const type = response.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase();
  if (type !== expected) throw new BackendError(`the backend did not answer with ${expected}`, { retryable: false });
  const encoding = response.headers.get('content-encoding')?.trim().toLowerCase() ?? 'identity';
  if (encoding !== 'identity')
    throw new BackendError('the backend compressed its answer unasked', { retryable: false });
  return `${expected}; charset=utf-8`;
}
