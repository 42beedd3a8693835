import { KnownCounts } from './known-counts.ts';
import { Merger } from './merger.ts';
import type { PairTable } from './merger.ts';
import { ScoredPairs } from './pair-tables.ts';
import { rankedPairs } from './pair-counter.ts';
import type { FragmentCounter } from './fragment-counter.ts';
import type { Engine, Vocabulary } from './vocabulary.ts';

const SPACE = '▁';

/** For vocabularies of letters with ▁ for a space, merged by score (SentencePiece) or by rank (Gemma 4); letters that are no token count as their bytes. */
export function createLetterCounter(vocabulary: Vocabulary, engine: Engine): FragmentCounter | undefined {
  const { kind, addsSpacePrefix, tokens } = vocabulary;
  const isRanked = kind === 'gemma4';
  if (isRanked && engine === 'ollama') return undefined;
  const idOf = new Map(tokens.map((token, id) => [token, id]));
  const texts = [...tokens];
  const idOfLetter = new Map<string, number>();
  const pairs: PairTable = isRanked ? rankedPairs(vocabulary, idOf, engine) : scoredPairs(vocabulary, texts, idOf);
  const merger = new Merger(pairs, 'leftmost');
  const neighbours = neighboursIn(tokens);
  const known = new KnownCounts();
  let symbols = new Int32Array(1024);

  const idFor = (letter: string): number => {
    let id = idOfLetter.get(letter);
    if (id === undefined) {
      id = idOf.get(letter) ?? texts.push(letter) - 1;
      idOfLetter.set(letter, id);
    }
    return id;
  };
  const countPiece = (piece: string): number => {
    if (symbols.length < piece.length) symbols = new Int32Array(piece.length);
    let length = 0;
    for (const letter of piece) symbols[length++] = idFor(letter);
    const left = length === 1 ? 1 : merger.merge(symbols, length);
    let count = 0;
    for (let at = 0; at < left; at++) {
      const id = symbols[at] as number;
      count += id < tokens.length ? 1 : Buffer.byteLength(texts[id] as string);
    }
    return count;
  };

  const countText = (text: string, limit: number): number => {
    let count = 0;
    let start = 0;
    for (let at = 1; at <= text.length; at++) {
      if (at < text.length && neighbours.has(text.charCodeAt(at - 1), text.charCodeAt(at))) continue;
      count += known.get(text.slice(start, at), countPiece);
      if (count > limit) return count;
      start = at;
    }
    return count;
  };

  return (fragment, isFirst, limit) => {
    if (pairs instanceof ScoredPairs) pairs.forget();
    const prefix = addsSpacePrefix && isFirst && engine !== 'ollama' && !isRanked ? SPACE : '';
    const text = prefix + fragment.replaceAll(' ', SPACE);
    if (!isRanked) return engine === 'ollama' && idOf.has(text) ? 1 : countText(text, limit);
    let count = 0;
    for (const [line] of text.matchAll(/[^\n]+|\n+/g)) {
      count += line.startsWith('\n') && idOf.has(line) ? 1 : countText(line, limit - count);
      if (count > limit) break;
    }
    return count;
  };
}

/** Ranks of the tokens by score, the highest first; equal scores share a rank. */
function scoredPairs({ tokens, scores }: Vocabulary, texts: string[], idOf: ReadonlyMap<string, number>): ScoredPairs {
  const distinct = [...new Set(tokens.map((_, id) => scores[id] ?? 0))].toSorted((a, b) => b - a);
  const rankOfScore = new Map(distinct.map((score, rank) => [score, rank]));
  return new ScoredPairs(
    texts,
    idOf,
    Int32Array.from(tokens, (_, id) => rankOfScore.get(scores[id] ?? 0) ?? 0),
  );
}

/** Units that stand side by side in some token. No token reaches over any other two, so that text falls apart between them. */
function neighboursIn(tokens: readonly string[]): { has(left: number, right: number): boolean } {
  const ascii = new Uint8Array(128 * 128);
  const others = new Set<number>();
  for (const token of tokens)
    for (let at = 1; at < token.length; at++) {
      const [left, right] = [token.charCodeAt(at - 1), token.charCodeAt(at)];
      if (left < 128 && right < 128) ascii[left * 128 + right] = 1;
      else others.add(left * 0x10000 + right);
    }
  const isHigh = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;
  return {
    has: (left, right) =>
      left < 128 && right < 128 ? ascii[left * 128 + right] === 1 : isHigh(left) || others.has(left * 0x10000 + right),
  };
}
