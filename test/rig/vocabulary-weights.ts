import type { GgufTensor, GgufValue } from './gguf.ts';
import type { Vocabulary } from './vocabularies.ts';

/** Kinds of model, by `general.architecture`. */
export type Architecture = 'llama' | 'qwen2' | 'qwen3' | 'bert' | 'nomic-bert';

const WIDTH = 32;
const HEADS = 2;
const HEAD = WIDTH / HEADS;
const FEED_FORWARD = 64;
/** BERT was trained with pairs of texts. */
const TEXT_TYPES = 2;

/** Deterministic, so that a model's digest is the same on every machine. */
function* randomNumbers(seed: number): Generator<number> {
  for (let state = seed; ;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    yield state / 2 ** 31;
  }
}

/** One layer of random weights: what counts here is the vocabulary. */
export function randomTensors(
  architecture: Architecture,
  { tokens }: Vocabulary,
  trainedTokens: number,
  seed: number,
): GgufTensor[] {
  const numbers = randomNumbers(seed);
  const random = (name: string, ...shape: number[]): GgufTensor => {
    const values = new Float32Array(shape.reduce((size, side) => size * side));
    for (let at = 0; at < values.length; at++) values[at] = numbers.next().value as number;
    return { name: `${name}.weight`, shape, values };
  };
  const ones = (name: string, size: number): GgufTensor => ({
    name: `${name}.weight`,
    shape: [size],
    values: new Float32Array(size).fill(1),
  });
  const bias = (name: string): GgufTensor => ({
    name: `${name}.bias`,
    shape: [WIDTH],
    values: new Float32Array(WIDTH),
  });
  if (architecture === 'bert' || architecture === 'nomic-bert') {
    const norms = ['token_embd_norm', 'blk.0.attn_output_norm', 'blk.0.layer_output_norm'];
    const isNomic = architecture === 'nomic-bert';
    return [
      random('token_embd', WIDTH, tokens.length),
      random('token_types', WIDTH, TEXT_TYPES),
      ...(isNomic ? [] : [random('position_embd', WIDTH, trainedTokens)]),
      ...norms.flatMap((name) => [ones(name, WIDTH), bias(name)]),
      ...(isNomic ? [random('blk.0.attn_qkv', WIDTH, 3 * WIDTH), random('blk.0.ffn_gate', WIDTH, FEED_FORWARD)] : []),
      ...(isNomic ? [] : ['q', 'k', 'v']).map((part) => random(`blk.0.attn_${part}`, WIDTH, WIDTH)),
      random('blk.0.attn_output', WIDTH, WIDTH),
      random('blk.0.ffn_up', WIDTH, FEED_FORWARD),
      random('blk.0.ffn_down', FEED_FORWARD, WIDTH),
    ];
  }
  return [
    random('token_embd', WIDTH, tokens.length), // the output layer is the same matrix
    ones('output_norm', WIDTH),
    ones('blk.0.attn_norm', WIDTH),
    ones('blk.0.ffn_norm', WIDTH),
    ...['q', 'k', 'v', 'output'].map((part) => random(`blk.0.attn_${part}`, WIDTH, WIDTH)),
    ...(architecture === 'qwen2' ? ['q', 'k', 'v'].map((part) => bias(`blk.0.attn_${part}`)) : []),
    ...(architecture === 'qwen3' ? ['q', 'k'].map((part) => ones(`blk.0.attn_${part}_norm`, HEAD)) : []),
    random('blk.0.ffn_gate', WIDTH, FEED_FORWARD),
    random('blk.0.ffn_up', WIDTH, FEED_FORWARD),
    random('blk.0.ffn_down', FEED_FORWARD, WIDTH),
  ];
}

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
  const isBert = architecture === 'bert' || architecture === 'nomic-bert';
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
    ...(isBert && {
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
