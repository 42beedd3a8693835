import { answerTasks } from './counting-worker.ts';
import type { EncodingName } from './encoding.ts';
import { countInPieces } from './text-pieces.ts';

export interface OpenAiTask {
  readonly encoding: EncodingName;
  readonly texts: readonly string[];
}

/** What a buyer types as a special token is text to the model's server. */
const asText = { disallowedSpecial: new Set<string>() };

const vocabularies = {
  o200k_base: () => import('gpt-tokenizer/encoding/o200k_base'),
  cl100k_base: () => import('gpt-tokenizer/encoding/cl100k_base'),
} as const;

answerTasks(
  ({ encoding }: OpenAiTask) => vocabularies[encoding](),
  ({ countTokens }, { texts }) => countInPieces(texts, (piece) => countTokens(piece, asText)),
);
