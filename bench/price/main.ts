import { inspect, parseArgs } from 'node:util';
import { ConfigError } from '../../src/config/problem.ts';
import { defaultEstimators, measureModel } from './measure-model.ts';
import type { Wanted } from './measure-model.ts';
import { fallbackTable, measureFallback } from './fallback.ts';
import { hostileTable, measureHostile } from './hostile.ts';
import { measureRig } from './measure-rig.ts';
import type { Measure } from './measure-rig.ts';
import { asJson, asTable } from './report.ts';
import { ownRequests, readRequests } from './requests.ts';
import type { Upstream } from './shop-config.ts';
import { differences } from './summary.ts';

const HELP = `npm run bench:price -- [options]

How near each estimator comes to what the server then counts, and whether the charge is what the use was worth. Each request is
priced by every estimator, then run twice (the second time its prompt is in the server's cache); the estimators learn from finished
jobs as in the product. Without --ollama or --openai it runs upon the rig's servers: today's Ollama, one from before 0.30 (older), and
llama.cpp's llama-server, with models that have real vocabularies and chat templates, and random weights. The first time those are
built, some twenty minutes on two cores.

  --requests <path>     other requests: a file, or a directory of files. JSON: a body, a list of bodies, or bodies by name;
                        .jsonl: a body in each line; any other file is one user's message
  --only <names>        only the rig's servers and models of these names: today,qwen3
  --ollama <url>        another Ollama, say http://127.0.0.1:11434, or
  --openai <url>        an OpenAI-compatible server, say http://127.0.0.1:8000/v1, and
  --model <name>        the model to ask there; may be repeated
  --estimators <names>  as in the configuration. Default: ${defaultEstimators.ollama.join(',')} for an Ollama,
                        ${defaultEstimators.openai.join(',')} for other servers
  --fallback            instead: Ollamas that do not render the prompt (a proxy hides it). The requests come in an order by chance;
                        errors are those after the first 20 jobs
  --hostile             instead: texts of 4 MB that are hard to count; how long a quote for each takes, and how long it holds
                        up everything else (the longest time in which the event loop did nothing else)
  --json                JSON on a terminal too; in a pipe it is JSON anyway
  --help                this text

The exit code is 1 when a count that is said to be exact is not, or something did not work.
`;

const tell = (text: string): void => void process.stderr.write(`bench: ${text}\n`);

function readOptions() {
  const { values } = parseArgs({
    options: {
      requests: { type: 'string' },
      only: { type: 'string', default: '' },
      estimators: { type: 'string' },
      ollama: { type: 'string' },
      openai: { type: 'string' },
      model: { type: 'string', multiple: true, default: [] },
      fallback: { type: 'boolean', default: false },
      hostile: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const { ollama, openai, model: models } = values;
  if (ollama !== undefined && openai !== undefined) throw new Error('either --ollama or --openai');
  const driver: Upstream['driver'] = openai === undefined ? 'ollama' : 'openai';
  const url = (ollama ?? openai)?.replace(/\/+$/, '');
  if ((url === undefined) !== (models.length === 0)) throw new Error('--model goes with --ollama or --openai');
  return { ...values, upstreams: models.map((model): Upstream => ({ driver, url: url ?? '', model })) };
}

async function main(): Promise<void> {
  const { help, fallback, hostile, json, only, requests: path, estimators, upstreams } = readOptions();
  if (help) return void process.stdout.write(HELP);
  const requests = path === undefined ? ownRequests() : readRequests(path);
  if (requests.length === 0) throw new Error('there are no requests in the files of --requests');
  const wanted: Wanted = { requests, estimators: estimators?.split(','), tell };
  const measureAll = async <Result>(measure: Measure<Result>): Promise<Result[]> => {
    if (upstreams.length === 0) return measureRig(only.split(',').filter(Boolean), measure, tell);
    const results: Result[] = [];
    for (const upstream of upstreams) results.push(await measure(new URL(upstream.url).host, upstream));
    return results;
  };
  const isForEyes = !json && process.stdout.isTTY;
  if (fallback) {
    const results = await measureAll(async (server, upstream) =>
      upstream.driver === 'ollama' ? measureFallback(server, upstream, wanted) : [],
    );
    const flat = results.flat();
    return void process.stdout.write(isForEyes ? fallbackTable(flat) : `${JSON.stringify(flat, null, 2)}\n`);
  }
  if (hostile) {
    const results = await measureAll((server, upstream) => measureHostile(server, upstream, tell));
    return void process.stdout.write(
      isForEyes ? hostileTable(results.flat()) : `${JSON.stringify(results.flat(), null, 2)}\n`,
    );
  }
  const results = await measureAll((server, upstream) => measureModel(server, upstream, wanted));
  process.stdout.write(isForEyes ? asTable(results) : asJson(results));
  const wrong = differences(results);
  for (const text of wrong) tell(text);
  if (wrong.length > 0 || results.every(({ rows }) => rows.length === 0)) process.exitCode = 1;
}

/** Errors that are for the reader say all in their text. */
const isTold = (error: unknown): error is Error =>
  error instanceof ConfigError || (error instanceof Error && error.constructor === Error);

await main().catch((error: unknown) => {
  tell(isTold(error) ? error.message : inspect(error));
  process.exitCode = 1;
});
