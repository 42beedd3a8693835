import { z } from 'zod';
import { CannotCount } from '../estimator.ts';

/** The programs that run a model for Ollama; they count differently. The older llama.cpp is the one in Ollama before 0.30. */
export type Engine = 'llama.cpp' | 'older llama.cpp' | 'ollama';

const kinds = ['gpt2', 'gemma4', 'llama', 'bert', 't5'] as const;
export type VocabularyKind = (typeof kinds)[number];
const hasMerges: readonly VocabularyKind[] = ['gpt2', 'gemma4'];

/** A model's vocabulary, as its GGUF file has it. */
export interface Vocabulary {
  /**
   * gpt2: pairs of bytes merged by rank. gemma4: pairs of letters merged by rank. llama: letters merged by score (SentencePiece). bert: words cut
   * into tokens (WordPiece). t5: pieces with likelihoods (SentencePiece's unigram).
   */
  readonly kind: VocabularyKind;
  /** How text is split before anything is merged, in llama.cpp's names. */
  readonly pre: string;
  readonly architecture: string;
  /** In lower case. */
  readonly name: string;
  readonly tokens: readonly string[];
  readonly types: readonly number[];
  readonly scores: readonly number[];
  readonly merges: readonly string[];
  readonly addsSpacePrefix: boolean;
  /** What is done to letters first, with kind bert. */
  readonly lowercases: boolean;
  readonly stripsAccents: boolean;
  /** How text is normalised first, with kind t5, and whether spaces side by side become one. */
  readonly charsmap: Uint8Array;
  readonly removesExtraSpaces: boolean;
}

/** Kinds of tokens, as GGUF numbers them. */
export const tokenType = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

const MAX_TOKENS = 1 << 20;

const text = z.string().optional();
const flag = z.boolean().optional();
const shown = z.object({
  model_info: z.looseObject({
    'general.architecture': text,
    'general.name': text,
    'tokenizer.ggml.model': text,
    'tokenizer.ggml.pre': text,
    'tokenizer.ggml.tokens': z.array(z.string()).max(MAX_TOKENS).nullish(),
    'tokenizer.ggml.token_type': z.array(z.int()).nullish(),
    'tokenizer.ggml.scores': z.array(z.number()).nullish(),
    'tokenizer.ggml.merges': z.array(z.string()).nullish(),
    'tokenizer.ggml.add_space_prefix': flag,
    'tokenizer.ggml.remove_extra_whitespaces': flag,
    'tokenizer.ggml.precompiled_charsmap': z.union([z.string(), z.array(z.union([z.int(), z.string()]))]).nullish(),
    'tokenizer.ggml.normalizer.lowercase': flag,
    'tokenizer.ggml.normalizer.strip_accents': flag,
  }),
});

/** Bytes are shown as numbers, with or without a sign, or in base64, of which some files have a letter at a time. */
function bytesOf(written: string | readonly (number | string)[]): Uint8Array {
  if (typeof written === 'string') return Buffer.from(written, 'base64');
  if (typeof written[0] === 'string') return Buffer.from(written.join(''), 'base64');
  return Uint8Array.from(written, Number);
}

/** Reads what Ollama answers to `POST /api/show` with `verbose`. Throws CannotCount when there is no vocabulary of a known kind. */
export function readVocabulary(shownJson: string): Vocabulary {
  const { model_info: info } = shown.parse(JSON.parse(shownJson));
  const named = info['tokenizer.ggml.model'];
  const kind = kinds.find((known) => known === named);
  const tokens = info['tokenizer.ggml.tokens'] ?? [];
  if (tokens.length === 0) throw new CannotCount('Ollama does not show the vocabulary of this model');
  if (kind === undefined) throw new CannotCount(`its kind of vocabulary ("${named ?? ''}") is not known`);
  const merges = info['tokenizer.ggml.merges'] ?? [];
  if (hasMerges.includes(kind) && merges.length === 0) throw new CannotCount('its vocabulary has no merges');
  const pre = info['tokenizer.ggml.pre'];
  const lowercases = info['tokenizer.ggml.normalizer.lowercase'] ?? true;
  return {
    kind,
    pre: kind === 'gemma4' ? 'gemma4' : pre === undefined || pre === '' ? 'default' : pre,
    architecture: info['general.architecture'] ?? '',
    name: (info['general.name'] ?? '').toLowerCase(),
    tokens: tokens.map((token, id) => (token === '' ? `[EMPTY_${id}]` : token)),
    types: info['tokenizer.ggml.token_type'] ?? [],
    scores: info['tokenizer.ggml.scores'] ?? [],
    merges,
    addsSpacePrefix: info['tokenizer.ggml.add_space_prefix'] ?? kind === 'llama',
    lowercases,
    stripsAccents: info['tokenizer.ggml.normalizer.strip_accents'] ?? lowercases,
    charsmap: bytesOf(info['tokenizer.ggml.precompiled_charsmap'] ?? []),
    removesExtraSpaces: info['tokenizer.ggml.remove_extra_whitespaces'] ?? false,
  };
}
