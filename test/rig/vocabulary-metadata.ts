import type { GgufValue } from './gguf.ts';
import type { Vocabulary } from './vocabularies.ts';
import { FEED_FORWARD, HEAD, HEADS, isBert, TEXT_TYPES, WIDTH } from './vocabulary-weights.ts';
import type { Architecture } from './vocabulary-weights.ts';

/** `pooling_type`, as llama.cpp numbers them. */
const poolingTypes = { mean: 1, last: 3 } as const;

/** What of the metadata is not the vocabulary's. */
export type About = {
  name: string;
  trainedTokens: number;
  /** Absent: the model writes text. */
  pooling?: keyof typeof poolingTypes;
  addsEos?: true;
};

/** What the file says of the model and its vocabulary. */
export function metadataOf(
  architecture: Architecture,
  vocabulary: Vocabulary,
  { name, trainedTokens, pooling, addsEos }: About,
): Record<string, GgufValue> {
  const { model, pre, tokens, types, merges, scores, charsmap, bos, eos, unknown, addBos } = vocabulary;
  return {
    'general.architecture': { string: architecture },
    'general.name': { string: name },
    'general.file_type': { uint32: 0 },
    [`${architecture}.context_length`]: { uint32: trainedTokens },
    [`${architecture}.embedding_length`]: { uint32: WIDTH },
    [`${architecture}.block_count`]: { uint32: 1 },
    [`${architecture}.feed_forward_length`]: { uint32: FEED_FORWARD },
    [`${architecture}.attention.head_count`]: { uint32: HEADS },
    [`${architecture}.attention.head_count_kv`]: { uint32: HEADS },
    [`${architecture}.attention.key_length`]: { uint32: HEAD },
    [`${architecture}.attention.value_length`]: { uint32: HEAD },
    [`${architecture}.attention.layer_norm_rms_epsilon`]: { float32: 1e-5 },
    ...(isBert(architecture) && {
      [`${architecture}.attention.layer_norm_epsilon`]: { float32: 1e-12 },
      [`${architecture}.attention.causal`]: { bool: false },
      'tokenizer.ggml.token_type_count': { uint32: TEXT_TYPES },
    }),
    [`${architecture}.rope.dimension_count`]: { uint32: HEAD },
    [`${architecture}.rope.freq_base`]: { float32: 10_000 },
    [`${architecture}.vocab_size`]: { uint32: tokens.length },
    'tokenizer.ggml.model': { string: model },
    'tokenizer.ggml.pre': { string: pre },
    'tokenizer.ggml.tokens': { strings: tokens },
    'tokenizer.ggml.token_type': { int32s: types },
    ...(merges && { 'tokenizer.ggml.merges': { strings: merges } }),
    ...(scores && { 'tokenizer.ggml.scores': { float32s: scores } }),
    [model === 'bert' ? 'tokenizer.ggml.cls_token_id' : 'tokenizer.ggml.bos_token_id']: { uint32: bos },
    [model === 'bert' ? 'tokenizer.ggml.seperator_token_id' : 'tokenizer.ggml.eos_token_id']: { uint32: eos },
    ...(pooling && { [`${architecture}.pooling_type`]: { uint32: poolingTypes[pooling] } }),
    ...(charsmap && {
      'tokenizer.ggml.precompiled_charsmap': { uint8s: charsmap },
      'tokenizer.ggml.add_space_prefix': { bool: true },
      'tokenizer.ggml.remove_extra_whitespaces': { bool: true },
    }),
    ...(unknown !== undefined && { 'tokenizer.ggml.unknown_token_id': { uint32: unknown } }),
    ...(addsEos && { 'tokenizer.ggml.add_eos_token': { bool: true } }),
    ...(addBos !== undefined && { 'tokenizer.ggml.add_bos_token': { bool: addBos } }),
  };
}
