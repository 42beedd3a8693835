import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildVocabularies, reportToStderr } from './build.ts';
import type { Report } from './cache.ts';
import { Daemon } from './daemon.ts';
import { freePort } from './free-port.ts';
import { removeDirectory, temporaryDirectory } from './guard.ts';
import { vocabularyModels } from './vocabulary-models.ts';

/** llama.cpp's own server, which speaks OpenAI's API, with one of the models of real vocabularies. */
export type LlamaServer = AsyncDisposable & { readonly url: string };

type Manifest = { layers: { mediaType: string; digest: string }[] };

/** Where Ollama keeps the file of a model. */
function modelFile(modelsDir: string, model: string): string {
  const manifest = join(modelsDir, 'manifests', 'registry.ollama.ai', 'library', model, 'latest');
  const { layers } = JSON.parse(readFileSync(manifest, 'utf8')) as Manifest;
  const layer = layers.find(({ mediaType }) => mediaType === 'application/vnd.ollama.image.model');
  if (layer === undefined) throw new Error(`${manifest} names no model file`);
  return join(modelsDir, 'blobs', layer.digest.replace(':', '-'));
}

/** Starts one; of the models' chat templates it knows those that are in their files. `url` is its root. */
export async function startLlamaServer(model: string, report: Report = reportToStderr): Promise<LlamaServer> {
  const parts = await buildVocabularies('today', report);
  const contextTokens = vocabularyModels.find(({ name }) => name === model)?.contextTokens ?? 0;
  const dir = temporaryDirectory();
  const port = String(await freePort('running'));
  const url = `http://127.0.0.1:${port}`;
  const file = modelFile(join(parts.models, 'models'), model);
  const where = ['--host', '127.0.0.1', '--port', port];
  const daemon = new Daemon({
    name: 'llama-server',
    command: join(parts.ollama, 'lib', 'ollama', 'llama-server'),
    args: [
      '--model',
      file,
      '--alias',
      model,
      '--ctx-size',
      String(contextTokens),
      '--parallel',
      '1',
      '--threads',
      '1',
      '--jinja',
      ...where,
    ],
    env: { HOME: dir },
    logFile: join(dir, 'output.log'),
    ready: () => fetch(`${url}/health`).then((response) => response.ok),
  });
  const stop = async () => {
    await daemon.kill();
    removeDirectory(dir);
  };
  try {
    await daemon.start();
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, [Symbol.asyncDispose]: stop };
}
