import { z } from 'zod';
import type { EstimatorChoice } from '../pricing/price-list.ts';
import type { BackendConfig } from './config.ts';
import { UINT32_MAX, text } from './fields.ts';
import { pathFrom } from './path-from.ts';

/** Each as it is written, and how it counts. */
const estimators: Readonly<Record<EstimatorChoice['name'], { readonly written: string; readonly counts: string }>> = {
  ollama: { written: 'ollama', counts: 'exactly, with the vocabulary of the model in Ollama' },
  server: { written: 'server', counts: 'exactly, by vLLM, SGLang or llama.cpp itself' },
  openai: { written: 'openai', counts: 'with the vocabularies of OpenAI models' },
  huggingface: { written: '{huggingface: tokenizer.json}', counts: 'with a tokenizer.json' },
  module: { written: '{module: file}', counts: 'with a module of your own' },
  bytes: { written: 'bytes', counts: 'one for each 4 bytes, as go-lcpd does' },
  fixed: { written: '{fixed: tokens}', counts: 'always as many' },
};

/** A sentence for each. */
export const howEstimatorsCount = Object.entries(estimators)
  .map(([name, { counts }]) => `${name}: ${counts}.`)
  .join(' ');

const EXPECTED = `expected one of ${Object.values(estimators)
  .map(({ written }) => written)
  .join(', ')}`;

const forms = [
  z.enum(['bytes', 'openai', 'server', 'ollama']),
  z.strictObject({ fixed: z.int().min(1).max(UINT32_MAX).describe('Tokens of every request.') }),
  z.strictObject({ huggingface: text('A tokenizer.json, relative to this file.') }),
  z.strictObject({ module: text('A JavaScript module that exports countTokens, relative to this file.') }),
] as const;
const choice = z.union(forms, { error: EXPECTED });

/** One estimator, or several in the order in which they are tried; as written. */
export const estimatorSchema = z.union([choice, z.array(choice).min(1)], { error: `${EXPECTED}, or a list of these` });

export type WrittenEstimator = z.infer<typeof estimatorSchema>;

/** As the program wants it; files are looked for from `directory`. */
export const estimatorChoices = (written: WrittenEstimator, directory: string): readonly EstimatorChoice[] =>
  [written].flat().map((one): EstimatorChoice => {
    if (typeof one === 'string') return { name: one };
    if ('fixed' in one) return { name: 'fixed', tokens: one.fixed };
    if ('huggingface' in one) return { name: 'huggingface', file: pathFrom(directory, one.huggingface) };
    return { name: 'module', file: pathFrom(directory, one.module) };
  });

/** Where nothing is written: those that are exact for these backends, and what always counts behind them. */
export const defaultEstimators = (backends: readonly BackendConfig[]): readonly EstimatorChoice[] => [
  ...(backends.some(({ driver }) => driver === 'ollama') ? [{ name: 'ollama' } as const] : []),
  ...(backends.some(({ driver }) => driver === 'openai') ? [{ name: 'server' } as const] : []),
  { name: 'openai' },
];
