import { parentPort } from 'node:worker_threads';

/** A text to count, and the vocabulary to count it by. */
export interface CountRequest {
  readonly id: number;
  readonly vocabulary: 'o200k_base' | 'cl100k_base';
  readonly texts: readonly string[];
}

export interface CountReply {
  readonly id: number;
  readonly tokens: number;
}

const vocabularies = {
  o200k_base: () => import('gpt-tokenizer/encoding/o200k_base'),
  cl100k_base: () => import('gpt-tokenizer/encoding/cl100k_base'),
};
/** Special tokens that a user types are text. */
const asText = { disallowedSpecial: new Set<string>() };

parentPort?.on('message', (request: CountRequest) => void count(request));

async function count({ id, vocabulary, texts }: CountRequest): Promise<void> {
  const { countTokens } = await vocabularies[vocabulary]();
  const tokens = texts.reduce((sum, text) => sum + countTokens(text, asText), 0);
  parentPort?.postMessage({ id, tokens } satisfies CountReply);
}
