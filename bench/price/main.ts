import { inspect, parseArgs } from 'node:util';
import { ollamaKinds } from '../../test/rig/build.ts';
import { vocabularyModels } from '../../test/rig/vocabulary-models.ts';
import { startVocabularyOllama } from '../../test/rig/vocabulary-ollama.ts';
import { measure, OUTPUT_TOKENS } from './measure.ts';
import type { Row, Skipped } from './measure.ts';
import { asJson, asTable } from './report.ts';
import { ownRequests, readRequests } from './requests.ts';
import type { NamedRequest } from './requests.ts';
import { Shop } from './shop.ts';
import type { Upstream } from './shop-config.ts';
import { differences } from './summary.ts';
import type { ModelResult } from './summary.ts';

const defaultEstimators = 'bytes,openai';

const HELP = `npm run bench:price -- [options]

How near each estimator comes to what the server then counts, and whether the charge is what the use was worth. Each request is
priced by every estimator, then run twice (the second time its prompt is in the server's cache). Without --ollama it runs upon the
rig's: today's Ollama and one from before 0.30, with models that have real vocabularies and templates and random weights; the first
time those are built, some fifteen minutes on two cores.

  --requests <path>  other requests: a file, or a directory of files. JSON: a body, a list of bodies, or bodies by name;
                     .jsonl: a body in each line; any other file is one user's message
  --only <names>     only the rig's servers and models of these names, with commas between them (today,qwen3)
  --ollama <url>     another Ollama, say http://127.0.0.1:11434, or
  --openai <url>     an OpenAI-compatible server, say http://127.0.0.1:8000/v1, and
  --model <name>     the model to ask there; may be repeated
  --estimators <names>  as in the configuration, with commas between them (${defaultEstimators})
  --json             JSON on a terminal too; in a pipe it is JSON anyway
  --help             this text

The exit code is 1 when an estimator that promises exact counts differs anywhere, or something did not work.
`;

const TELL_EVERY_MS = 5000;
const tell = (text: string): void => void process.stderr.write(`bench: ${text}\n`);

type Wanted = { readonly requests: readonly NamedRequest[]; readonly estimators: readonly string[] };

async function measureModel(server: string, upstream: Upstream, wanted: Wanted): Promise<ModelResult> {
  const { model } = upstream;
  const { requests, estimators } = wanted;
  tell(`${server} ${model}: loading …`);
  await using shop = await Shop.open(upstream, estimators, OUTPUT_TOKENS);
  const rows: Row[] = [];
  const skipped: Skipped[] = [];
  let toldAt = performance.now();
  for (const [at, request] of requests.entries()) {
    const outcome = await measure(shop, request);
    if ('reason' in outcome) skipped.push(outcome);
    else rows.push(outcome);
    if (performance.now() - toldAt < TELL_EVERY_MS) continue;
    toldAt = performance.now();
    tell(`${server} ${model}: ${at + 1} of ${requests.length} requests`);
  }
  tell(`${server} ${model}: ${rows.length} of ${requests.length} requests ran`);
  return { server, model, estimators, rows, skipped };
}

/** Those of `names` that `only` has; all when it has none of them. */
function chosen<Name extends string>(names: readonly Name[], only: readonly string[]): readonly Name[] {
  const some = names.filter((name) => only.includes(name));
  return some.length > 0 ? some : names;
}

async function measureRig(only: readonly string[], wanted: Wanted): Promise<ModelResult[]> {
  const models = vocabularyModels.map(({ name }) => name);
  const stranger = only.find((name) => ![...ollamaKinds, ...models].includes(name));
  if (stranger !== undefined)
    throw new Error(`--only takes ${[...ollamaKinds, ...models].join(', ')}; not "${stranger}"`);
  const results: ModelResult[] = [];
  for (const server of chosen(ollamaKinds, only)) {
    await using ollama = await startVocabularyOllama(server, tell);
    const { url } = ollama.coordinates;
    for (const model of chosen(models, only))
      results.push(await measureModel(server, { driver: 'ollama', url, model }, wanted));
  }
  return results;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      requests: { type: 'string' },
      only: { type: 'string', default: '' },
      estimators: { type: 'string', default: defaultEstimators },
      ollama: { type: 'string' },
      openai: { type: 'string' },
      model: { type: 'string', multiple: true, default: [] },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return void process.stdout.write(HELP);
  const requests = values.requests === undefined ? ownRequests() : readRequests(values.requests);
  if (requests.length === 0) throw new Error('there are no requests in the files of --requests');
  const wanted = { requests, estimators: values.estimators.split(',') };
  const { ollama, openai, model: models } = values;
  const url = ollama ?? openai;
  if ((url === undefined) !== (models.length === 0)) throw new Error('--model goes with --ollama or --openai');
  const results: ModelResult[] = [];
  if (url === undefined) results.push(...(await measureRig(values.only.split(',').filter(Boolean), wanted)));
  const driver = ollama === undefined ? 'openai' : 'ollama';
  if (url !== undefined)
    for (const model of models)
      results.push(await measureModel(new URL(url).host, { driver, url: url.replace(/\/+$/, ''), model }, wanted));
  process.stdout.write(values.json || !process.stdout.isTTY ? asJson(results) : asTable(results));
  const wrong = differences(results);
  for (const text of wrong) tell(text);
  if (wrong.length > 0 || results.every(({ rows }) => rows.length === 0)) process.exitCode = 1;
}

await main().catch((error: unknown) => {
  tell(error instanceof Error && error.constructor === Error ? error.message : inspect(error));
  process.exitCode = 1;
});
