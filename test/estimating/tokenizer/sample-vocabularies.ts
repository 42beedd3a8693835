import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { byteLetters } from '../../../src/estimating/tokenizer/byte-letters.ts';

/** What `/api/show` says of a vocabulary, as far as it is read. */
export type Shown = { readonly model_info: Readonly<Record<string, unknown>> };

const RANKS = 12_000;
const SPECIAL = ['<|endoftext|>', '<|im_start|>', '<|im_end|>', '<|eot_id|>', '<|im_', '\n\n\n'];

/** The beginning of a real byte-pair vocabulary that a dependency of this project carries: tokens in the order of their ranks. */
export function ranked(): Buffer[] {
  const entry = createRequire(import.meta.url).resolve('gpt-tokenizer');
  const lines = readFileSync(join(dirname(entry), '..', 'data', 'cl100k_base.tiktoken'), 'ascii').split('\n');
  return lines.slice(0, RANKS).map((line) => Buffer.from(line.split(' ')[0] ?? '', 'base64'));
}

/** The two tokens whose merge makes a token. */
function halves(ranks: ReadonlyMap<string, number>, token: Buffer): [string, string] | undefined {
  const parts = [...token].map((byte) => Buffer.from([byte]).toString('latin1'));
  const limit = ranks.get(token.toString('latin1')) ?? 0;
  while (parts.length > 2) {
    const candidates = parts.slice(1).map((part, at) => ranks.get(parts[at] + part) ?? limit);
    const best = Math.min(...candidates);
    if (best >= limit) return undefined;
    const at = candidates.indexOf(best);
    parts.splice(at, 2, `${parts[at]}${parts[at + 1]}`);
  }
  return [parts[0] ?? '', parts[1] ?? ''];
}

const letters = (bytes: string): string => [...Buffer.from(bytes, 'latin1')].map((byte) => byteLetters[byte]).join('');

interface BytePairs {
  readonly tokens: string[];
  readonly merges: string[];
}

let bytePairs: BytePairs | undefined;

function madeBytePairs(): BytePairs {
  const tokens = ranked().map((bytes) => bytes.toString('latin1'));
  const ranks = new Map(tokens.map((token, rank) => [token, rank]));
  const merges = tokens.flatMap((token) => {
    const pair = token.length > 1 ? halves(ranks, Buffer.from(token, 'latin1')) : undefined;
    return pair === undefined ? [] : [pair.map(letters).join(' ')];
  });
  return { tokens: tokens.map(letters), merges };
}

/** A vocabulary of bytes, merged by rank; `pre` says how text is split. */
export function bytePairVocabulary(pre: string): Shown {
  const { tokens, merges } = (bytePairs ??= madeBytePairs());
  return {
    model_info: {
      'general.architecture': 'llama',
      'general.name': 'sample',
      'tokenizer.ggml.model': 'gpt2',
      'tokenizer.ggml.pre': pre,
      'tokenizer.ggml.tokens': [...tokens, ...SPECIAL],
      // The last one is not a control token but one that the model's makers defined.
      'tokenizer.ggml.token_type': [...tokens.map(() => 1), ...SPECIAL.map((token) => (token === '\n\n\n' ? 4 : 3))],
      'tokenizer.ggml.merges': merges,
      'tokenizer.ggml.bos_token_id': RANKS,
      'tokenizer.ggml.add_bos_token': false,
    },
  };
}

/** A vocabulary of letters, merged by score, with a token for each byte. */
export function letterVocabulary(): Shown {
  const words = ranked().flatMap((bytes) => {
    const text = bytes.toString('utf8');
    return text.includes('\ufffd') || bytes.some((byte) => byte < 0x20) ? [] : [text.replaceAll(' ', '▁')];
  });
  const bytes = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
  const known = new Set<string>();
  const pieces = ['▁▁', ...words].filter((word) => !known.has(word) && known.add(word));
  return {
    model_info: {
      'general.architecture': 'llama',
      'general.name': 'sample',
      'tokenizer.ggml.model': 'llama',
      'tokenizer.ggml.tokens': ['<unk>', '<s>', '</s>', ...bytes, ...pieces],
      'tokenizer.ggml.token_type': [2, 3, 3, ...bytes.map(() => 6), ...pieces.map(() => 1)],
      // Two pieces share each score.
      'tokenizer.ggml.scores': [0, 0, 0, ...bytes.map(() => 0), ...pieces.map((_, index) => -(index >> 1))],
      'tokenizer.ggml.bos_token_id': 1,
      'tokenizer.ggml.add_bos_token': false,
    },
  };
}
