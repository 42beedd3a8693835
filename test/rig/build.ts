import { btcdPart, lndPart } from './build-go.ts';
import { modelsPart } from './build-models.ts';
import { llamaPart, ollamaPart } from './build-ollama.ts';
import type { Report } from './cache.ts';
import { cached } from './cache.ts';

/** Folders of what the Lightning half of the rig runs. */
export type LightningParts = { lnd: string; btcd: string };

/** Folders of what the Ollama half of the rig runs. */
export type OllamaParts = { ollama: string; models: string };

/** A report that writes lines to standard error. */
export const reportToStderr: Report = (line) => void process.stderr.write(`rig: ${line}\n`);

/** Promises lnd and btcd, built now if the cache has them not: about three minutes on two cores. */
export async function buildLightning(report: Report): Promise<LightningParts> {
  return { btcd: await cached(btcdPart, report), lnd: await cached(lndPart, report) };
}

/** Promises Ollama with llama-server and the tiny models, built now if the cache has them not: about ten minutes. */
export async function buildOllama(report: Report): Promise<OllamaParts> {
  const ollama = await cached(ollamaPart(await cached(llamaPart, report)), report);
  return { ollama, models: await cached(modelsPart(ollama), report) };
}

if (import.meta.main) {
  await buildLightning(reportToStderr);
  await buildOllama(reportToStderr);
}
