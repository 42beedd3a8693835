import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { buildLightning, buildOllama, reportToStderr } from './build.ts';
import { cacheRoot } from './cache.ts';
import { startRig } from './rig.ts';
import { usageOf } from './usage-text.ts';

const help = `npm run rig -- [options]

Starts real nodes on this machine: btcd (a private simnet chain), two lnd with a channel of 16,000,000 sat
between them, and Ollama with tiny models of random weights. Runs until Ctrl-C; then all of it is gone.
The first time it builds them all from source, about fifteen minutes on two cores, needing Go, Python 3, cmake and g++.

  --only lnd|ollama   start (and build) that half alone
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
  if (values.only !== undefined && values.only !== 'lnd' && values.only !== 'ollama') {
    throw new Error(`--only takes lnd or ollama, not ${values.only}`);
  }
  const [lnd, ollama] = [values.only !== 'ollama', values.only !== 'lnd'];
  if (values.build) {
    if (lnd) await buildLightning(reportToStderr);
    if (ollama) await buildOllama(reportToStderr);
    return;
  }
  const start = performance.now();
  const rig = await startRig({ lnd, ollama });
  const interrupted = Promise.race(['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => once(process, signal)));
  reportToStderr(`up after ${((performance.now() - start) / 1000).toFixed(1)} s`);
  process.stdout.write(usageOf(rig.coordinates));
  const awake = setInterval(() => undefined, 1 << 30); // the parts are unref'd
  await interrupted;
  clearInterval(awake);
  process.on('SIGINT', () => undefined); // npm and the terminal may both send one
  await rig.stop();
  reportToStderr('stopped');
}

await main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
