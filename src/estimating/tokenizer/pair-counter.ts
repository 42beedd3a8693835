import { byteLetters, textOfToken } from './byte-letters.ts';
import { KnownCounts } from './known-counts.ts';
import { Merger } from './merger.ts';
import { RankedPairs } from './pair-tables.ts';
import { eachPieceEnd } from './pieces.ts';
import { pretokenizerOf } from './pretokenizers.ts';
import type { FragmentCounter } from './fragment-counter.ts';
import type { Engine, Vocabulary } from './vocabulary.ts';

/** For vocabularies of bytes that are merged by rank. Undefined: the pre-tokenizer is not known. */
export function createPairCounter(vocabulary: Vocabulary, engine: Engine): FragmentCounter | undefined {
  const pretokenizer = pretokenizerOf(vocabulary, engine);
  if (pretokenizer === undefined) return undefined;
  const idOf = new Map(vocabulary.tokens.map((token, id) => [token, id]));
  const merger = new Merger(rankedPairs(vocabulary, idOf, engine), engine === 'ollama' ? 'heap' : 'leftmost');
  // A byte that is no token counts for nothing, as in both engines.
  const idOfByte = byteLetters.map((letter) => idOf.get(letter) ?? -1);
  const wholePieces = new Set(
    pretokenizer.takesWholePieces ? vocabulary.tokens.map(textOfToken).filter((text) => text !== undefined) : [],
  );
  const known = new KnownCounts();
  let symbols = new Int32Array(1024);
  let bytes = Buffer.alloc(1024);

  const countPiece = (piece: string): number => {
    if (wholePieces.has(piece)) return 1;
    if (bytes.length < piece.length * 3) {
      bytes = Buffer.alloc(piece.length * 3);
      symbols = new Int32Array(piece.length * 3);
    }
    const length = bytes.write(piece);
    for (let at = 0; at < length; at++) symbols[at] = idOfByte[bytes[at] as number] as number;
    const left = length === 1 ? 1 : merger.merge(symbols, length);
    let tokens = 0;
    for (let at = 0; at < left; at++) if ((symbols[at] as number) >= 0) tokens++;
    return tokens;
  };

  return (text, _isFirst, limit) => {
    let tokens = 0;
    let start = 0;
    eachPieceEnd(text, pretokenizer.cuts, engine, (end) => {
      tokens += known.get(text.slice(start, end), countPiece);
      start = end;
      return tokens <= limit;
    });
    return tokens;
  };
}

/** The merges as pairs of ids. Of equal ones llama.cpp takes the first, Ollama's own engine the last. */
export function rankedPairs({ merges }: Vocabulary, idOf: ReadonlyMap<string, number>, engine: Engine): RankedPairs {
  const pairs = new RankedPairs(merges.length);
  const add = (merge: string, rank: number): void => {
    const space = merge.indexOf(' ', 1);
    const [first, second] = [merge.slice(0, space), merge.slice(space + 1)];
    const [left, right, result] = [idOf.get(first), idOf.get(second), idOf.get(first + second)];
    if (space > 0 && left !== undefined && right !== undefined && result !== undefined)
      pairs.add(left, right, rank, result);
  };
  if (engine === 'ollama') for (let rank = merges.length - 1; rank >= 0; rank--) add(merges[rank] ?? '', rank);
  else merges.forEach(add);
  return pairs;
}
