import { createOllamaBackend } from '../../backend/ollama.ts';
import { systemClock } from '../../clock/clock.ts';

export interface Choice {
  readonly model: string;
  /** For the seller's configuration. */
  readonly backend: object;
  readonly describe: string;
}

const PROBE_TIMEOUT_MS = 2_000;

/** A model of a running Ollama (the one asked for, else a loaded one, else the first), or else the built-in demo. */
export async function chooseModel(asked: string | undefined, ollamaUrl: string): Promise<Choice> {
  const demo = { model: 'demo', backend: { name: 'demo', driver: 'demo' }, describe: 'built-in demo backend' };
  if (asked === 'demo') return demo;
  const ollama = createOllamaBackend({
    name: 'ollama',
    url: ollamaUrl,
    clock: systemClock,
    firstByteTimeoutMs: PROBE_TIMEOUT_MS,
    idleTimeoutMs: PROBE_TIMEOUT_MS,
  });
  const all = await ollama.models().catch(() => []);
  const models = all.filter(({ capabilities }) => capabilities?.includes('completion') ?? true);
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
    };
  if (asked === undefined) return demo;
  const there =
    models.length === 0
      ? `no Ollama answers at ${ollamaUrl}`
      : `Ollama at ${ollamaUrl} has ${models.map((model) => model.id).join(', ')}`;
  throw new Error(
    `The model "${asked}" is not there: ${there}. Leave --model out to use what is there, or pull it with "ollama pull ${asked}".`,
  );
}
