import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ggufMetadata } from './gguf-metadata.ts';
import type { Vocabulary } from './vocabularies.ts';

/** Those that llama.cpp's source has among its models, for its own tests. */
export const llamaVocabularies = {
  folder: 'llama.cpp',
  files: ['ggml-vocab-bert-bge.gguf', 'ggml-vocab-nomic-bert-moe.gguf'],
} as const;

const metadataOf = (folder: string, file: 0 | 1): ReturnType<typeof ggufMetadata> =>
  ggufMetadata(readFileSync(join(folder, llamaVocabularies.folder, llamaVocabularies.files[file])));

/** BERT's, which nearly all English models for embeddings have. */
export function readBert(folder: string): Vocabulary {
  const metadata = metadataOf(folder, 0);
  return {
    model: 'bert',
    pre: 'jina-v2-en', // as in the files that Ollama has
    tokens: metadata['tokenizer.ggml.tokens'] as string[],
    types: metadata['tokenizer.ggml.token_type'] as number[],
    bos: metadata['tokenizer.ggml.cls_token_id'] as number,
    eos: metadata['tokenizer.ggml.seperator_token_id'] as number,
  };
}

/** That of many languages, which bge-m3, snowflake-arctic-embed2 and nomic-embed-text-v2 share. */
export function readXlmRoberta(folder: string): Vocabulary {
  const metadata = metadataOf(folder, 1);
  return {
    model: 't5',
    pre: 'default',
    tokens: metadata['tokenizer.ggml.tokens'] as string[],
    types: metadata['tokenizer.ggml.token_type'] as number[],
    scores: metadata['tokenizer.ggml.scores'] as number[],
    charsmap: metadata['tokenizer.ggml.precompiled_charsmap'] as number[],
    bos: metadata['tokenizer.ggml.bos_token_id'] as number,
    eos: metadata['tokenizer.ggml.eos_token_id'] as number,
    unknown: metadata['tokenizer.ggml.unknown_token_id'] as number,
    addBos: true,
  };
}
