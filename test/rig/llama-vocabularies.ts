import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ggufMetadata } from './gguf-metadata.ts';
import type { Vocabulary } from './vocabularies.ts';

/** Those that llama.cpp's source has among its models, for its own tests. */
export const llamaVocabularies = { folder: 'llama.cpp', files: ['ggml-vocab-bert-bge.gguf'] } as const;

/** BERT's, which nearly all English models for embeddings have. */
export function readBert(folder: string): Vocabulary {
  const metadata = ggufMetadata(readFileSync(join(folder, llamaVocabularies.folder, llamaVocabularies.files[0])));
  return {
    model: 'bert',
    pre: 'jina-v2-en', // as in the files that Ollama has
    tokens: metadata['tokenizer.ggml.tokens'] as string[],
    types: metadata['tokenizer.ggml.token_type'] as number[],
    bos: metadata['tokenizer.ggml.cls_token_id'] as number,
    eos: metadata['tokenizer.ggml.seperator_token_id'] as number,
  };
}
