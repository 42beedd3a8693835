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
  /** Of all texts together; counting stops above it. */
  readonly limitTokens: number;
}

const MAX_TOKENIZERS = 4;
/** The one that was used last is the last. */
const tokenizers = new Map<string, Tokenizer>();

function tokenizerFor({ digest, shown, engine }: OllamaTask): Tokenizer {
  const key = `${engine} ${digest}`;
  const tokenizer = tokenizers.get(key) ?? open(shown, engine);
  tokenizers.delete(key);
  const [oldest] = tokenizers.keys();
  if (oldest !== undefined && tokenizers.size >= MAX_TOKENIZERS) tokenizers.delete(oldest);
  tokenizers.set(key, tokenizer);
  return tokenizer;
}

function open(shown: SharedArrayBuffer, engine: Engine): Tokenizer {
  try {
    return createTokenizer(readVocabulary(Buffer.from(shown).toString()), engine);
  } catch (error) {
    if (error instanceof CannotCount) throw error;
    throw new CannotCount('Ollama shows its vocabulary in a form that is not known', { cause: error });
  }
}

answerTasks(tokenizerFor, (tokenizer, { texts, limitTokens }) => {
  const counts: number[] = [];
  let left = limitTokens;
  for (const text of texts) {
    if (left < 0) break;
    const tokens = tokenizer.count(text, left);
    counts.push(tokens);
    left -= tokens;
  }
  return counts;
});
