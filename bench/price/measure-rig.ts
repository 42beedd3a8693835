import { ollamaKinds } from '../../test/rig/build.ts';
import type { OllamaKind } from '../../test/rig/build.ts';
import { startLlamaServer } from '../../test/rig/llama-server.ts';
import { vocabularyModels } from '../../test/rig/vocabulary-models.ts';
import { startVocabularyOllama } from '../../test/rig/vocabulary-ollama.ts';
import { measureModel } from './measure-model.ts';
import type { Wanted } from './measure-model.ts';
import type { ModelResult } from './summary.ts';

const llamaServer = 'llama-server';
const servers = [...ollamaKinds, llamaServer] as const;
const models = vocabularyModels.map(({ name }) => name);

/** Those of `names` that `only` has; all when it has none of them. */
function chosen<Name extends string>(names: readonly Name[], only: readonly string[]): readonly Name[] {
  const some = names.filter((name) => only.includes(name));
  return some.length > 0 ? some : names;
}

async function measureOllama(kind: OllamaKind, only: readonly string[], wanted: Wanted): Promise<ModelResult[]> {
  await using ollama = await startVocabularyOllama(kind, wanted.tell);
  const { url } = ollama.coordinates;
  const results: ModelResult[] = [];
  for (const model of chosen(models, only))
    results.push(await measureModel(kind, { driver: 'ollama', url, model }, wanted));
  return results;
}

async function measureLlamaServer(only: readonly string[], wanted: Wanted): Promise<ModelResult[]> {
  const results: ModelResult[] = [];
  for (const model of chosen(models, only)) {
    await using server = await startLlamaServer(model, wanted.tell);
    results.push(await measureModel(llamaServer, { driver: 'openai', url: `${server.url}/v1`, model }, wanted));
  }
  return results;
}

/** The rig's servers and models, or those of them that `only` names. */
export async function measureRig(only: readonly string[], wanted: Wanted): Promise<ModelResult[]> {
  const stranger = only.find((name) => ![...servers, ...models].includes(name));
  if (stranger !== undefined) throw new Error(`--only takes ${[...servers, ...models].join(', ')}; not "${stranger}"`);
  const results: ModelResult[] = [];
  for (const server of chosen(servers, only)) {
    const measured = server === llamaServer ? measureLlamaServer(only, wanted) : measureOllama(server, only, wanted);
    results.push(...(await measured));
  }
  return results;
}
