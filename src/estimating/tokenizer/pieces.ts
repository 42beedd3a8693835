import { classesOf, withPlainSpaces } from './character-classes.ts';
import type { Cut } from './pretokenizers.ts';
import type { Engine } from './vocabulary.ts';

/** Calls `found` with where each piece of the text ends, in order, until that returns false. */
export function eachPieceEnd(
  text: string,
  cuts: readonly Cut[],
  engine: Engine,
  found: (end: number) => boolean,
): void {
  const { classes, starts } = classesOf(text, engine);
  const cutFrom = (level: number, from: number, to: number): boolean => {
    const cut = cuts[level];
    if (cut === undefined) return found(starts === undefined ? to : (starts[to] ?? 0));
    const isLast = level + 1 === cuts.length;
    const next = (end: number): boolean => {
      if (end === at) return true;
      const isWanted = isLast && starts === undefined ? found(end) : cutFrom(level + 1, at, end);
      at = end;
      return isWanted;
    };
    let at = from;
    if (cut.on === 'classes') {
      const piece = from === 0 && to === classes.length ? classes : classes.slice(from, to);
      return cutPiece(cut.pattern, piece, (end) => next(from + end)) && next(to);
    }
    const start = starts?.[from] ?? from;
    const piece = withPlainSpaces(text.slice(start, starts?.[to] ?? to));
    let point = from;
    const pointAt = (unit: number): number => {
      if (starts === undefined) return start + unit;
      while ((starts[point] ?? Infinity) < start + unit) point++;
      return point;
    };
    return cutPiece(cut.pattern, piece, (end) => next(pointAt(end))) && next(to);
  };
  if (text !== '') cutFrom(0, 0, classes.length);
}

/** Ends of the matches and of what is between them; the rest behind the last match is left to the caller. */
function cutPiece(pattern: RegExp, piece: string, found: (end: number) => boolean): boolean {
  pattern.lastIndex = 0;
  for (let match = pattern.exec(piece); match !== null; match = pattern.exec(piece)) {
    const end = pattern.lastIndex;
    if (match.index > 0 && !found(match.index)) return false;
    if (!found(end)) return false;
  }
  return true;
}
