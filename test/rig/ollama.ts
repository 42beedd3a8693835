import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { OllamaParts } from './build.ts';
import { Daemon } from './daemon.ts';
import { freePort } from './free-port.ts';
import { tinyModels } from './tiny-models.ts';

/** Where the rig's Ollama is. */
export type OllamaCoordinates = {
  /** Its root: `${url}/v1/chat/completions`, `${url}/api/tags`. */
  url: string;
  /** Names of the models that it has: see tiny-models.ts. */
  models: readonly string[];
  dir: string;
};

/** The environment of every Ollama program of the rig: nothing of the user's own Ollama is read or written. */
export function ollamaEnvironment(dir: string, modelsDir: string, socket: string): NodeJS.ProcessEnv {
  return {
    HOME: dir,
    OLLAMA_HOST: socket,
    OLLAMA_MODELS: modelsDir,
    OLLAMA_KEEP_ALIVE: '-1',
    OLLAMA_NUM_PARALLEL: '4',
    OLLAMA_MAX_LOADED_MODELS: '8',
    OLLAMA_NOPRUNE: '1',
    OLLAMA_NO_CLOUD: '1',
    // Settings of the user's own Ollama must not leak in.
    OLLAMA_CONTEXT_LENGTH: '',
    OLLAMA_DEBUG: '',
  };
}

/** Has a model loaded, or unloaded; rejects when that fails. */
export async function loadModel(url: string, model: string, isWanted = true): Promise<void> {
  const post = (path: string, more: object) =>
    fetch(`${url}${path}`, {
      method: 'POST',
      body: JSON.stringify({ model, ...more, ...(!isWanted && { keep_alive: 0 }) }),
    });
  let response = await post('/api/generate', { stream: false });
  if (response.status === 400) response = await post('/api/embed', { input: '' }); // it embeds only
  if (!response.ok) throw new Error(`Ollama could not load ${model}: ${await response.text()}`);
}

/** An `ollama serve` with models of its own: a test may delete and create some. */
export class Ollama {
  readonly coordinates: OllamaCoordinates;
  readonly #daemon: Daemon;

  private constructor(coordinates: OllamaCoordinates, daemon: Daemon) {
    this.coordinates = coordinates;
    this.#daemon = daemon;
  }

  /** `dir` keeps its data; `modelsDir` its models, named `models`, and is written to when some are created or deleted. */
  static async serving(
    ollamaFolder: string,
    dir: string,
    modelsDir: string,
    models: readonly string[] = tinyModels.map(({ name }) => name),
  ): Promise<Ollama> {
    mkdirSync(dir, { recursive: true });
    const socket = `127.0.0.1:${await freePort('running')}`;
    const url = `http://${socket}`;
    const daemon = new Daemon({
      name: 'ollama',
      command: join(ollamaFolder, 'bin', 'ollama'),
      args: ['serve'],
      env: ollamaEnvironment(dir, modelsDir, socket),
      logFile: join(dir, 'output.log'),
      ready: () => fetch(`${url}/api/version`).then((response) => response.ok),
    });
    return new Ollama({ url, models, dir }, daemon);
  }

  /** With a copy of the models that the cache keeps. */
  static async at(parts: OllamaParts, dir: string): Promise<Ollama> {
    const modelsDir = join(dir, 'models');
    cpSync(join(parts.models, 'models'), modelsDir, { recursive: true });
    return Ollama.serving(parts.ollama, dir, modelsDir);
  }

  get pid(): number | undefined {
    return this.#daemon.pid;
  }

  /** Resolves once it answers and has all of its models in memory: what is not there is not sold at once. */
  async start(): Promise<void> {
    await this.#daemon.start();
    const { url } = this.coordinates;
    const { models } = (await (await fetch(`${url}/api/tags`)).json()) as { models: { name: string }[] };
    await Promise.all(models.map(({ name }) => loadModel(url, name)));
  }

  async stop(): Promise<void> {
    await this.#daemon.stop();
  }

  /** Kills it and the llama-servers that it started. */
  async kill(): Promise<void> {
    await this.#daemon.kill();
  }
}
