import { Ollama } from 'ollama/browser'; // the Node entry opens local files that a request names
import { z } from 'zod';
import type { Clock } from '../clock/clock.ts';
import type { ImageTokens } from '../openai/image.ts';
import { capabilities } from '../openai/request.ts';
import { BackendError } from './backend.ts';
import type { Backend, BackendModel, Capability } from './backend.ts';
import { CallGuard, ended } from './call-guard.ts';
import { numberIn, ollamaImageTokens } from './ollama-images.ts';
import { createOpenAiBackend, DEFAULT_MODELS_TIMEOUT_MS } from './openai-compatible.ts';
import { TaskKindProbe } from './task-kind-probe.ts';
import { errorBeforeAnswer, statusError } from './upstream-error.ts';
import { createUpstreamFetch } from './upstream-fetch.ts';

export interface OllamaBackendOptions {
  readonly name: string;
  /** Root of the server: `http://127.0.0.1:11434`. */
  readonly url: string;
  readonly clock: Clock;
  /** Until the first byte of a streamed answer, loading the model included. */
  readonly firstByteTimeoutMs: number;
  readonly idleTimeoutMs: number;
  /** As of the OpenAI-compatible driver. */
  readonly wholeAnswerTimeoutMs?: number;
  /** As of the OpenAI-compatible driver. Default 10 s. */
  readonly modelsTimeoutMs?: number;
}

const LATEST = ':latest';

const tagList = z.object({ models: z.array(z.object({ name: z.string().min(1), digest: z.string() })) });
const loadedList = z.object({
  models: z.array(
    z.object({
      name: z.string(),
      digest: z.string().optional(),
      context_length: z.int().positive().optional().catch(undefined),
    }),
  ),
});
const shown = z.object({
  capabilities: z.array(z.string()).optional(),
  parameters: z.string().optional(),
  model_info: z.record(z.string(), z.unknown()).optional(),
  projector_info: z.record(z.string(), z.unknown()).optional(),
});

interface Facts {
  /** Undefined: this Ollama is too old to tell. */
  readonly capabilities: readonly Capability[] | undefined;
  /** What the model will be loaded with; undefined when the server's default decides. */
  readonly contextTokens: number | undefined;
  readonly imageTokens: ImageTokens | undefined;
}

/**
 * An Ollama server. Inference goes through its OpenAI-compatible endpoint, for the exact bytes; models, warmth and context come from
 * its own API. A model named `x:latest` is listed as `x` too: Ollama takes both.
 */
export function createOllamaBackend(options: OllamaBackendOptions): Backend {
  const { name, url, clock, ...limits } = options;
  const root = url.replace(/\/+$/, '');
  const inference = createOpenAiBackend({ name, url: `${root}/v1`, outputCapField: 'max_tokens', clock, ...limits });
  const upstream = createUpstreamFetch(clock);
  const modelsTimeoutMs = options.modelsTimeoutMs ?? DEFAULT_MODELS_TIMEOUT_MS;
  // Before 0.13.3 an Ollama takes no responses.
  const probe = new TaskKindProbe({ url: `${root}/v1`, upstream, clock, timeoutMs: modelsTimeoutMs });
  const factsByDigest = new Map<string, Facts>();

  const clientFor = (signal: AbortSignal): Ollama => {
    // The library takes no signal, and prints to the console about answers that are errors: they never reach it.
    const fetchOk: typeof fetch = async (input, init) => {
      const response = await upstream.fetch(input, { ...init, signal });
      if (!response.ok) throw statusError(response.status, []);
      return response;
    };
    return new Ollama({ host: root, fetch: fetchOk });
  };

  const factsOf = async (client: Ollama, model: { name: string; digest: string }): Promise<Facts | undefined> => {
    const known = factsByDigest.get(model.digest);
    if (known !== undefined) return known;
    try {
      const facts = readFacts(shown.parse(await client.show({ model: model.name })));
      factsByDigest.set(model.digest, facts);
      return facts;
    } catch (error) {
      if (error instanceof BackendError && error.status === 404) return undefined; // deleted since it was listed
      throw error;
    }
  };

  const list = async (client: Ollama): Promise<BackendModel[]> => {
    const [tags, inMemory] = await Promise.all([client.list(), client.ps()]);
    const { models } = tagList.parse(tags);
    // By digest: a copy of a model is loaded with it, and listed under the name that was asked for first.
    const running = new Map(loadedList.parse(inMemory).models.map((model) => [model.digest ?? model.name, model]));
    const facts = await Promise.all(models.map((model) => factsOf(client, model)));
    const digests = new Set(models.map((model) => model.digest));
    for (const digest of factsByDigest.keys()) if (!digests.has(digest)) factsByDigest.delete(digest);
    return models.flatMap((model, index) => {
      const fact = facts[index];
      if (fact === undefined) return [];
      const loaded = running.get(model.digest) ?? running.get(model.name);
      const contextTokens = least(loaded?.context_length, fact.contextTokens);
      const about = {
        digest: model.digest,
        ...(fact.capabilities && { capabilities: fact.capabilities }),
        ...(contextTokens !== undefined && { contextTokens }),
        ...(fact.imageTokens !== undefined && { imageTokens: fact.imageTokens }),
        warm: loaded !== undefined,
      };
      return namesOf(model.name).map((id) => ({ id, ...about }));
    });
  };

  return {
    name,
    outputCapField: inference.outputCapField,
    run: (request, signal) => inference.run(request, signal),
    async models(): Promise<BackendModel[]> {
      const guard = new CallGuard(clock);
      try {
        guard.limit(modelsTimeoutMs, 'the backend did not list its models', { retryable: true });
        const models = await list(clientFor(guard.signal));
        guard.throwIfEnded();
        guard.finish();
        const taskKinds = await probe.taken();
        return taskKinds === undefined ? models : models.map((model) => ({ ...model, taskKinds }));
      } catch (error) {
        probe.forget();
        if (error instanceof SyntaxError || error instanceof z.ZodError) {
          throw ended(guard, new BackendError('the backend does not speak the API of Ollama', { retryable: false }));
        }
        throw ended(guard, errorBeforeAnswer(error));
      }
    },
    async warm(model: string, signal: AbortSignal): Promise<void> {
      const guard = new CallGuard(clock, signal);
      try {
        guard.throwIfEnded();
        guard.limit(options.firstByteTimeoutMs, 'the model was not loaded', { retryable: true, missed: 'first-byte' });
        await load(clientFor(guard.signal), model);
        guard.throwIfEnded();
        guard.finish();
      } catch (error) {
        throw ended(guard, errorBeforeAnswer(error));
      }
    },
    async close(): Promise<void> {
      upstream.close();
      await inference.close();
    },
  };
}

/** Requests without anything to work on only load the model. */
async function load(client: Ollama, model: string): Promise<void> {
  try {
    await client.generate({ model, prompt: '', stream: false });
  } catch (error) {
    if (!(error instanceof BackendError) || error.status !== 400) throw error;
    await client.embed({ model, input: '' }); // it "does not support generate"
  }
}

const namesOf = (name: string): string[] => (name.endsWith(LATEST) ? [name.slice(0, -LATEST.length), name] : [name]);

/**
 * Of what a model is loaded with and what its file says: another program may have had it loaded with more, and then our requests, which
 * name no context, have it loaded again with what its file says.
 */
const least = (...lengths: readonly (number | undefined)[]): number | undefined => {
  const known = lengths.filter((length) => length !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
};

/** What `pooling_type` says of a model that makes a text's vector from its last token. */
const LAST = 3;
/** Tokens that Ollama takes at once of a text that it embeds. */
const EMBEDDING_BATCH = 2048;

/** The model file's `num_ctx`, as far as the model was trained for it. */
function readFacts({
  capabilities: told,
  parameters = '',
  model_info: info = {},
  projector_info: projector,
}: z.infer<typeof shown>): Facts {
  const parameter = (name: string): number | undefined => {
    const value = new RegExp(`^${name}\\s+(\\d+)\\s*$`, 'm').exec(parameters)?.[1];
    return value === undefined ? undefined : Number(value);
  };
  const asked = parameter('num_ctx');
  const pooling = numberIn(info, 'pooling_type');
  // A vector that is made from all tokens of a text is made at once: since 0.30 Ollama cuts off what goes beyond.
  const isMadeAtOnce = pooling !== undefined && pooling !== LAST;
  return {
    capabilities: told && capabilities.filter((name) => told.includes(name)),
    contextTokens: least(
      asked === undefined ? undefined : least(asked, numberIn(info, 'context_length')),
      isMadeAtOnce ? (parameter('num_batch') ?? EMBEDDING_BATCH) : undefined,
    ),
    imageTokens: ollamaImageTokens(info, projector),
  };
}
