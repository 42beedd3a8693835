import { ollamaKinds } from '../../test/rig/build.ts';
import type { OllamaKind } from '../../test/rig/build.ts';
import { startLlamaServer } from '../../test/rig/llama-server.ts';
import { vocabularyModels } from '../../test/rig/vocabulary-models.ts';
import { startVocabularyOllama } from '../../test/rig/vocabulary-ollama.ts';
import type { Report as Tell } from '../../test/rig/cache.ts';
import type { Upstream } from './shop-config.ts';

/** What is done upon each model; `server` is its name in the report. */
export type Measure<Result> = (server: string, upstream: Upstream) => Promise<Result>;

const llamaServer = 'llama-server';
const servers = [...ollamaKinds, llamaServer] as const;
const models = vocabularyModels.map(({ name }) => name);

/** Those of `names` that `only` has; all when it has none of them. */
function chosen<Name extends string>(names: readonly Name[], only: readonly string[]): readonly Name[] {
  const some = names.filter((name) => only.includes(name));
  return some.length > 0 ? some : names;
}

async function* upstreams(only: readonly string[], tell: Tell): AsyncGenerator<[string, Upstream]> {
  for (const server of chosen(servers, only))
    yield* server === llamaServer ? llamas(only, tell) : ollamas(server, only, tell);
}

async function* ollamas(kind: OllamaKind, only: readonly string[], tell: Tell): AsyncGenerator<[string, Upstream]> {
  await using ollama = await startVocabularyOllama(kind, tell);
  const { url } = ollama.coordinates;
  for (const model of chosen(models, only)) yield [kind, { driver: 'ollama', url, model }];
}

async function* llamas(only: readonly string[], tell: Tell): AsyncGenerator<[string, Upstream]> {
  for (const model of chosen(models, only)) {
    await using server = await startLlamaServer(model, tell);
    yield [llamaServer, { driver: 'openai', url: `${server.url}/v1`, model }];
  }
}

/** The rig's servers and models, or those of them that `only` names. */
export async function measureRig<Result>(
  only: readonly string[],
  measure: Measure<Result>,
  tell: Tell,
): Promise<Result[]> {
  const stranger = only.find((name) => ![...servers, ...models].includes(name));
  if (stranger !== undefined) throw new Error(`--only takes ${[...servers, ...models].join(', ')}; not "${stranger}"`);
  const results: Result[] = [];
  for await (const [server, upstream] of upstreams(only, tell)) results.push(await measure(server, upstream));
  return results;
}
