import { answerTasks } from '../counting-worker.ts';
import { CannotCount } from '../estimator.ts';
import { createTokenizer } from '../tokenizer/tokenizer.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { readVocabulary } from '../tokenizer/vocabulary.ts';
import type { Engine } from '../tokenizer/vocabulary.ts';

export interface OllamaTask {
  /** Names the vocabulary, which is read when it is not there yet. */
  readonly digest: string;
  /** What `/api/show` answered, shared: it has megabytes. */
  readonly shown: SharedArrayBuffer;
  readonly engine: Engine;
  readonly texts: readonly string[];
  /** Counting stops above it. */
  readonly limitTokens: number;
}

/** The tokens of all texts, or why this vocabulary can not be counted with. */
export type OllamaAnswer = { readonly tokens: number } | { readonly cannotCount: string };

const MAX_TOKENIZERS = 4;
/** The one that was used last is the last. */
const tokenizers = new Map<string, Tokenizer | CannotCount>();

function tokenizerFor({ digest, shown, engine }: OllamaTask): Tokenizer | CannotCount {
  const key = `${engine} ${digest}`;
  const tokenizer = tokenizers.get(key) ?? open(shown, engine);
  tokenizers.delete(key);
  const [oldest] = tokenizers.keys();
  if (oldest !== undefined && tokenizers.size >= MAX_TOKENIZERS) tokenizers.delete(oldest);
  tokenizers.set(key, tokenizer);
  return tokenizer;
}

function open(shown: SharedArrayBuffer, engine: Engine): Tokenizer | CannotCount {
  try {
    return createTokenizer(readVocabulary(Buffer.from(shown).toString()), engine);
  } catch (error) {
    return error instanceof CannotCount
      ? error
      : new CannotCount('Ollama shows its vocabulary in a form that is not known');
  }
}

answerTasks(tokenizerFor, (tokenizer, { texts, limitTokens }): OllamaAnswer => {
  if (tokenizer instanceof CannotCount) return { cannotCount: tokenizer.message };
  let tokens = 0;
  for (const text of texts) {
    tokens += tokenizer.count(text, limitTokens - tokens);
    if (tokens > limitTokens) break;
  }
  return { tokens };
});
