import type { GgufTensor } from './gguf.ts';
import type { Vocabulary } from './vocabularies.ts';

/** Kinds of model, by `general.architecture`. */
export type Architecture = 'llama' | 'qwen2' | 'qwen3' | 'bert' | 'nomic-bert';

export const WIDTH = 32;
export const HEADS = 2;
export const HEAD = WIDTH / HEADS;
export const FEED_FORWARD = 64;
/** BERT was trained with pairs of texts. */
export const TEXT_TYPES = 2;

export const isBert = (architecture: Architecture): boolean => architecture === 'bert' || architecture === 'nomic-bert';

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
  const bias = (name: string, size = WIDTH): GgufTensor => ({
    name: `${name}.bias`,
    shape: [size],
    values: new Float32Array(size),
  });
  if (isBert(architecture)) {
    const norms = ['token_embd_norm', 'blk.0.attn_output_norm', 'blk.0.layer_output_norm'];
    const isNomic = architecture === 'nomic-bert';
    return [
      random('token_embd', WIDTH, tokens.length),
      random('token_types', WIDTH, TEXT_TYPES),
      ...(isNomic ? [] : [random('position_embd', WIDTH, trainedTokens)]),
      ...norms.flatMap((name) => [ones(name, WIDTH), bias(name)]),
      ...(isNomic ? [random('blk.0.attn_qkv', WIDTH, 3 * WIDTH), random('blk.0.ffn_gate', WIDTH, FEED_FORWARD)] : []),
      ...(isNomic ? [] : ['q', 'k', 'v']).map((part) => random(`blk.0.attn_${part}`, WIDTH, WIDTH)),
      ...(isNomic ? [] : ['q', 'k', 'v', 'output']).map((part) => bias(`blk.0.attn_${part}`)),
      ...(isNomic ? [] : [bias('blk.0.ffn_up', FEED_FORWARD), bias('blk.0.ffn_down')]),
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
