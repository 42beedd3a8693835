import { createHash } from 'node:crypto';
import type { DemoInputs, DemoPiece } from './demo-request.ts';

const DEFAULT_DIMENSIONS = 64;
const NOTE = 'built-in demo backend: these vectors come from a hash of the text, no model made them';

/** The answer to an embeddings call, which says that it is a demo. The same text has the same vector, of length 1. */
export function embeddingsAnswer({ model, inputs, inputTokens, dimensions, isBase64 }: DemoInputs): DemoPiece[] {
  const vectors = inputs.map((text) => vectorOf(text, dimensions ?? DEFAULT_DIMENSIONS));
  const data = vectors.map((vector, index) => ({
    object: 'embedding',
    index,
    embedding: isBase64 ? Buffer.from(vector.buffer).toString('base64') : [...vector],
  }));
  const usage = { prompt_tokens: inputTokens, total_tokens: inputTokens };
  return [{ tokens: 1, text: JSON.stringify({ object: 'list', data, model, usage, note: NOTE }) }];
}

/** As other servers write them in base64: 32-bit floats, little-endian, as every machine has them that Node runs on. */
function vectorOf(text: string, dimensions: number): Float32Array<ArrayBuffer> {
  const bytes = createHash('shake256', { outputLength: dimensions * 2 })
    .update(text)
    .digest();
  const raw = Array.from({ length: dimensions }, (_, at) => bytes.readInt16LE(at * 2) + 0.5);
  const length = Math.hypot(...raw);
  return Float32Array.from(raw, (value) => value / length);
}
