/** A model of random weights (4 million parameters): a real tokenizer, real sampling, real usage figures, nonsense text. */
export type TinyModel = {
  name: string;
  contextTokens: number;
  /** Models of different seeds have different weights, so that Ollama keeps them loaded side by side. */
  seed: number;
  /** How likely the end token is: see models/write_model.py. */
  end: number;
  /** Makes it a model for embeddings, which writes no text. */
  pooling?: 'mean';
};

const neverEnds = -30;

/** `tiny` and `tiny-long` answer until the limit that the request sets; `tiny-brief` ends by itself, after some 20 tokens; `tiny-embed` makes vectors. */
export const tinyModels = [
  { name: 'tiny', contextTokens: 8192, seed: 1, end: neverEnds },
  { name: 'tiny-long', contextTokens: 32_768, seed: 2, end: neverEnds },
  { name: 'tiny-brief', contextTokens: 8192, seed: 3, end: 3 },
  { name: 'tiny-embed', contextTokens: 2048, seed: 4, end: neverEnds, pooling: 'mean' },
] as const satisfies readonly TinyModel[];

/** What `ollama create` reads; the model's file lies beside it. */
export function modelfileOf({ name, contextTokens, pooling }: TinyModel): string {
  if (pooling !== undefined) return `FROM ./${name}.gguf\nPARAMETER num_ctx ${contextTokens}\n`;
  return `FROM ./${name}.gguf
TEMPLATE """{{- range .Messages }}<|start_header_id|>{{ .Role }}<|end_header_id|>

{{ .Content }}<|eot_id|>{{ end }}<|start_header_id|>assistant<|end_header_id|>

"""
PARAMETER num_ctx ${contextTokens}
`;
}
