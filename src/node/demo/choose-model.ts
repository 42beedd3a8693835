import { createOllamaBackend } from '../../backend/ollama.ts';
import { systemClock } from '../../clock/clock.ts';

export interface Choice {
  readonly model: string;
  /** For the seller's configuration. */
  readonly backend: object;
  readonly describe: string;
  /** Has it loaded, so that it can be sold. Absent: there is nothing to load. */
  readonly load?: () => Promise<void>;
}

const PROBE_TIMEOUT_MS = 2_000;
const LOAD_TIMEOUT_MS = 600_000;

const ollamaAt = (url: string) =>
  createOllamaBackend({
    name: 'ollama',
    url,
    clock: systemClock,
    firstByteTimeoutMs: LOAD_TIMEOUT_MS,
    idleTimeoutMs: LOAD_TIMEOUT_MS,
    modelsTimeoutMs: PROBE_TIMEOUT_MS,
  });

/** A model of a running Ollama (the one asked for, else a loaded one, else the first), or else the built-in demo. */
export async function chooseModel(asked: string | undefined, ollamaUrl: string): Promise<Choice> {
  const demo = { model: 'demo', backend: { name: 'demo', driver: 'demo' }, describe: 'built-in demo backend' };
  if (asked === 'demo') return demo;
  const ollama = ollamaAt(ollamaUrl);
  const all = await ollama.models().catch(() => undefined);
  const models = (all ?? []).filter(({ capabilities }) => capabilities?.includes('completion') ?? true);
  await ollama.close();
  const found =
    asked === undefined
      ? (models.find((model) => model.warm) ?? models[0])
      : models.find((model) => model.id === asked);
  if (found !== undefined)
    return {
      model: found.id,
      backend: { name: 'ollama', driver: 'ollama', url: ollamaUrl },
      describe: `Ollama at ${ollamaUrl}`,
      ...(found.warm === false && { load: () => load(ollamaUrl, found.id) }),
    };
  if (asked === undefined) return demo;
  throw new Error(
    all === undefined
      ? `The model "${asked}" is not there: no Ollama answers at ${ollamaUrl}. Start Ollama, or set OLLAMA_HOST to where it is; or leave --model out to sell the built-in demo.`
      : `The model "${asked}" is not there: Ollama at ${ollamaUrl} has ${models.map(({ id }) => id).join(', ') || 'none'}. Pull it with "ollama pull ${asked}", or leave --model out to use what is there.`,
  );
}

async function load(ollamaUrl: string, model: string): Promise<void> {
  const ollama = ollamaAt(ollamaUrl);
  try {
    await ollama.warm?.(model, new AbortController().signal);
  } catch (error) {
    throw new Error(
      `Ollama at ${ollamaUrl} could not load "${model}": ${String(error)}. Try "ollama run ${model}", or leave --model out to use another one.`,
      { cause: error },
    );
  } finally {
    await ollama.close();
  }
}
