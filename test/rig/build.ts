import { btcdPart, lndPart } from './build-go.ts';
import { modelsPart } from './build-models.ts';
import { llamaPart, olderOllamaPart, ollamaPart } from './build-ollama.ts';
import { vocabulariesPart, vocabularyModelsPart } from './build-vocabulary-models.ts';
import type { Report } from './cache.ts';
import { cached, isCached } from './cache.ts';

/** Folders of what the Lightning half of the rig runs. */
export type LightningParts = { lnd: string; btcd: string };

/** Folders of what the Ollama half of the rig runs. */
export type OllamaParts = { ollama: string; models: string };

/** The ways in which Ollama runs models: today's (by llama.cpp's server), and that of versions before 0.30 (inside itself, some by an engine in Go). */
export const ollamaKinds = ['today', 'older'] as const;
export type OllamaKind = (typeof ollamaKinds)[number];

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

/** False: a test that can do without waits for some minutes more. */
export const isOlderOllamaBuilt = (): boolean => isCached(olderOllamaPart);

/** Promises an Ollama and the models of real vocabularies: see vocabulary-models.ts. The older Ollama takes some minutes more. */
export async function buildVocabularies(kind: OllamaKind, report: Report): Promise<OllamaParts> {
  const today = await cached(ollamaPart(await cached(llamaPart, report)), report);
  const models = await cached(vocabularyModelsPart(today, await cached(vocabulariesPart, report)), report);
  return { ollama: kind === 'today' ? today : await cached(olderOllamaPart, report), models };
}

if (import.meta.main) {
  await buildLightning(reportToStderr);
  await buildOllama(reportToStderr);
  for (const kind of ollamaKinds) await buildVocabularies(kind, reportToStderr);
}
