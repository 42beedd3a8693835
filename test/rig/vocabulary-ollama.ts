import { join } from 'node:path';
import type { OllamaKind } from './build.ts';
import { buildVocabularies, reportToStderr } from './build.ts';
import type { Report } from './cache.ts';
import { removeDirectory, temporaryDirectory } from './guard.ts';
import type { OllamaCoordinates } from './ollama.ts';
import { Ollama } from './ollama.ts';
import { allVocabularyModels } from './vocabulary-models.ts';

/** An Ollama of its own with the models of real vocabularies. */
export type VocabularyOllama = AsyncDisposable & { readonly coordinates: OllamaCoordinates };

/** Starts one, building first what the cache lacks. Its models are those of the cache: create and delete none. */
export async function startVocabularyOllama(
  kind: OllamaKind,
  report: Report = reportToStderr,
): Promise<VocabularyOllama> {
  const parts = await buildVocabularies(kind, report);
  const dir = temporaryDirectory();
  const names = allVocabularyModels.map(({ name }) => name);
  const ollama = await Ollama.serving(parts.ollama, dir, join(parts.models, 'models'), names);
  const stop = async () => {
    await ollama.kill();
    removeDirectory(dir);
  };
  try {
    await ollama.start();
  } catch (error) {
    await stop();
    throw error;
  }
  return { coordinates: ollama.coordinates, [Symbol.asyncDispose]: stop };
}
