import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { buildLightning, buildOllama, buildVocabularies, ollamaKinds, reportToStderr } from './build.ts';
import { cacheRoot } from './cache.ts';
import { startRig } from './rig.ts';
import { usageOf, vocabularyUsage } from './usage-text.ts';
import { startVocabularyOllama } from './vocabulary-ollama.ts';

const help = `npm run rig -- [options]

Starts real nodes on this machine: btcd (a private simnet chain), two lnd with a channel of 16,000,000 sat
between them, and Ollama with tiny models of random weights. Runs until Ctrl-C; then all of it is gone.
The first time it builds them all from source, about fifteen minutes on two cores, needing Go, Python 3, cmake and g++.

  --only lnd|ollama   start (and build) that half alone
  --only vocabularies instead two Ollama, of today's kind and of the older one, with models that have the vocabularies
                      and chat templates of real ones (and random weights)
  --build             build, start nothing
  --help              this text

What was built is kept in ${cacheRoot()}
(LCP_RIG_CACHE names another place); deleting that folder is safe while no rig runs.
`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { only: { type: 'string' }, build: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help) {
    process.stdout.write(help);
    return;
  }
  if (values.only !== undefined && !['lnd', 'ollama', 'vocabularies'].includes(values.only)) {
    throw new Error(`--only takes lnd, ollama or vocabularies; not ${values.only}`);
  }
  if (values.only === 'vocabularies') return serveVocabularies(values.build === true);
  const [lnd, ollama] = [values.only !== 'ollama', values.only !== 'lnd'];
  if (values.build) {
    if (lnd) await buildLightning(reportToStderr);
    if (ollama) await buildOllama(reportToStderr);
    return;
  }
  const start = performance.now();
  const rig = await startRig({ lnd, ollama });
  reportToStderr(`up after ${((performance.now() - start) / 1000).toFixed(1)} s`);
  process.stdout.write(usageOf(rig.coordinates));
  await interruption();
  await rig.stop();
  reportToStderr('stopped');
}

/** Resolves when somebody wants this to end. */
async function interruption(): Promise<void> {
  const awake = setInterval(() => undefined, 1 << 30); // the parts are unref'd
  await Promise.race(['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => once(process, signal)));
  clearInterval(awake);
  process.on('SIGINT', () => undefined); // npm and the terminal may both send one
}

async function serveVocabularies(onlyBuild: boolean): Promise<void> {
  if (onlyBuild) {
    for (const kind of ollamaKinds) await buildVocabularies(kind, reportToStderr);
    return;
  }
  await using today = await startVocabularyOllama('today');
  await using older = await startVocabularyOllama('older');
  process.stdout.write(vocabularyUsage(today.coordinates, older.coordinates));
  await interruption();
}

await main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
