import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { answerTasks } from './counting-worker.ts';
import { CannotCount } from './estimator.ts';
import { countInPieces } from './text-pieces.ts';

export interface HuggingFaceTask {
  /** Absolute path of a tokenizer.json. */
  readonly file: string;
  readonly texts: readonly string[];
}

let loaded: { readonly file: string; readonly tokenizer: Promise<Tokenizer> } | undefined;

async function open(file: string): Promise<Tokenizer> {
  const tokenizer = await jsonOf(file);
  const config = await jsonOf(join(dirname(file), 'tokenizer_config.json')).catch(() => ({}));
  try {
    return new Tokenizer(tokenizer, config);
  } catch (error) {
    throw new CannotCount(`${file} is no tokenizer that can be used: ${String(error)}`);
  }
}

async function jsonOf(file: string): Promise<object> {
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'));
    if (typeof value === 'object' && value !== null) return value;
  } catch (error) {
    throw new CannotCount(`${file} cannot be read: ${String(error)}`);
  }
  throw new CannotCount(`${file} holds no JSON object`);
}

answerTasks(
  ({ file }: HuggingFaceTask) => {
    if (loaded?.file !== file) {
      loaded = { file, tokenizer: open(file) };
      loaded.tokenizer.catch(() => (loaded = undefined)); // it may be mended before it is asked for again
    }
    return loaded.tokenizer;
  },
  (tokenizer, { texts }) =>
    countInPieces(texts, (piece) => tokenizer.encode(piece, { add_special_tokens: false }).ids.length),
);
