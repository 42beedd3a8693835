import { createHash } from 'node:crypto';
import { z } from 'zod';
import { countWords, readBody } from './demo-request.ts';
import type { DemoPiece } from './demo-request.ts';

const DEFAULT_DIMENSIONS = 64;
const MAX_DIMENSIONS = 4096;
const NOTE = 'built-in demo backend: these vectors come from a hash of the text, no model made them';

const embeddingsBody = z.looseObject({
  model: z.string(),
  input: z.union([z.string().transform((text) => [text]), z.array(z.string()).min(1)]),
  dimensions: z.int().min(1).max(MAX_DIMENSIONS).nullish(),
  encoding_format: z.enum(['float', 'base64']).nullish(),
});

/** The answer to an embeddings call, which says that it is a demo. The same text has the same vector, of length 1. */
export function embeddingsAnswer(body: Uint8Array): DemoPiece[] {
  const { model, input, dimensions, encoding_format: format } = readBody(embeddingsBody, body);
  const data = input.map((text, index) => {
    const vector = vectorOf(text, dimensions ?? DEFAULT_DIMENSIONS);
    const embedding = format === 'base64' ? Buffer.from(vector.buffer).toString('base64') : [...vector];
    return { object: 'embedding', index, embedding };
  });
  const inputTokens = Math.max(1, countWords(input));
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
