import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { VocabularyName } from './vocabularies.ts';
import type { Architecture } from './vocabulary-weights.ts';

const templates = join(import.meta.dirname, 'models', 'templates');

/** Models with the vocabularies and chat templates of real ones: what they count is what those count. What they say is noise. */
export type VocabularyModel = {
  /** As Ollama names it. */
  name: string;
  architecture: Architecture;
  vocabulary: VocabularyName;
  /** `go`: Ollama renders the chat. `jinja`: the model's file carries the template, and llama.cpp's server renders. Absent: it does not chat. */
  template?: 'go' | 'jinja';
  /** Makes it a model for embeddings: how the vectors of a text's tokens become one. */
  pooling?: 'mean' | 'last';
  /** A token of the vocabulary goes behind each text, as with Qwen's models for embeddings. */
  addsEos?: true;
  /** What Ollama gives a request. */
  contextTokens: number;
  /** What the file itself says; absent: 32,768. */
  trainedTokens?: number;
  seed: number;
};

export const usualTrainedTokens = 32_768;

export const vocabularyModels: readonly VocabularyModel[] = [
  { name: 'llama2', architecture: 'llama', vocabulary: 'llama2', template: 'go', contextTokens: 16_384, seed: 1 },
  { name: 'llama3', architecture: 'llama', vocabulary: 'llama3', template: 'go', contextTokens: 16_384, seed: 2 },
  { name: 'llama3-4k', architecture: 'llama', vocabulary: 'llama3', template: 'go', contextTokens: 4096, seed: 2 },
  { name: 'gpt2', architecture: 'llama', vocabulary: 'gpt2', template: 'go', contextTokens: 16_384, seed: 3 },
  { name: 'qwen2.5', architecture: 'qwen2', vocabulary: 'qwen2.5', template: 'go', contextTokens: 16_384, seed: 4 },
  {
    name: 'qwen2.5-jinja',
    architecture: 'qwen2',
    vocabulary: 'qwen2.5',
    template: 'jinja',
    contextTokens: 16_384,
    seed: 5,
  },
  { name: 'qwen3', architecture: 'qwen3', vocabulary: 'qwen3', template: 'go', contextTokens: 16_384, seed: 6 },
];

/** Those that embed instead. */
export const embeddingModels: readonly VocabularyModel[] = (
  [
    { name: 'llama2-embed', architecture: 'llama', vocabulary: 'llama2', pooling: 'mean' },
    { name: 'llama3-embed', architecture: 'llama', vocabulary: 'llama3', pooling: 'mean' },
    { name: 'gpt2-embed', architecture: 'llama', vocabulary: 'gpt2', pooling: 'mean' },
    { name: 'qwen3-embed', architecture: 'qwen3', vocabulary: 'qwen3', pooling: 'last', addsEos: true },
    { name: 'bert-embed', architecture: 'bert', vocabulary: 'bert', pooling: 'mean', trainedTokens: 512 },
    { name: 'nomic-embed', architecture: 'nomic-bert', vocabulary: 'bert', pooling: 'mean', trainedTokens: 2048 },
    {
      name: 'xlm-roberta-embed',
      architecture: 'bert',
      vocabulary: 'xlm-roberta',
      pooling: 'mean',
      addsEos: true,
      trainedTokens: 8192,
    },
  ] as const
).map((model, at) => ({ ...model, contextTokens: 4096, seed: 11 + at }));

/** All that the rig's Ollama has. */
export const allVocabularyModels = [...vocabularyModels, ...embeddingModels];

/** The chat template, in the language that `template` names; empty where there is none. */
export const templateOf = ({ vocabulary, template }: VocabularyModel): string =>
  template === undefined
    ? ''
    : readFileSync(join(templates, `${vocabulary}.${template === 'go' ? 'gotmpl' : 'jinja'}`), 'utf8').trimEnd();

/** What `ollama create` reads; the model's file lies beside it. */
export function vocabularyModelfile(model: VocabularyModel): string {
  const lines = [`FROM ./${model.name}.gguf`, `PARAMETER num_ctx ${model.contextTokens}`];
  lines.push('PARAMETER num_thread 1'); // several would mostly wait for each other
  if (model.template === 'go') lines.push(`TEMPLATE """${templateOf(model)}"""`);
  return `${lines.join('\n')}\n`;
}
