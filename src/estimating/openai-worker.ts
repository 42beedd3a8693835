import { answerTasks } from './counting-worker.ts';
import type { EncodingName } from './encoding.ts';
import { pieces } from './text-pieces.ts';

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
  ({ countTokens }, { texts }) =>
    texts.map((text) => {
      let tokens = 0;
      for (const piece of pieces(text)) tokens += countTokens(piece, asText);
      return tokens;
    }),
);
