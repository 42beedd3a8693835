import type { Vocabulary } from '../../../src/estimating/tokenizer/vocabulary.ts';

/** Merges the best pair, each time looking at the whole row anew: the leftmost of the lowest rank. */
function mergeLeftmost(row: string[], rankOf: (left: string, right: string) => number | undefined): string[] {
  for (;;) {
    let best: { rank: number; at: number } | undefined;
    for (let at = 0; at + 1 < row.length; at++) {
      const rank = rankOf(row[at] ?? '', row[at + 1] ?? '');
      if (rank !== undefined && (best === undefined || rank < best.rank)) best = { rank, at };
    }
    if (best === undefined) return row;
    row.splice(best.at, 2, `${row[best.at]}${row[best.at + 1]}`);
  }
}

interface Pair {
  readonly a: number;
  readonly b: number;
  readonly rank: number;
  readonly value: string;
}

/** As Ollama's own engine is written: a heap that compares ranks only, swap by swap. */
function mergeByHeap(letters: string[], rankOf: (left: string, right: string) => number | undefined): string[] {
  const parts = letters.map((text, at) => ({ text, previous: at - 1, next: at + 1 }));
  const heap: Pair[] = [];
  const rank = (at: number): number => heap[at]!.rank;
  const swap = (a: number, b: number): void => void ([heap[a], heap[b]] = [heap[b]!, heap[a]!]);
  const push = (a: number, b: number): void => {
    if (a < 0 || b >= parts.length) return;
    const found = rankOf(parts[a]!.text, parts[b]!.text);
    if (found === undefined) return;
    heap.push({ a, b, rank: found, value: parts[a]!.text + parts[b]!.text });
    let at = heap.length - 1;
    while (at > 0 && rank((at - 1) >> 1) > rank(at)) {
      swap((at - 1) >> 1, at);
      at = (at - 1) >> 1;
    }
  };
  const pop = (): Pair => {
    swap(0, heap.length - 1);
    const top = heap.pop()!;
    let at = 0;
    for (let left = 1; left < heap.length; left = 2 * at + 1) {
      const smaller = left + 1 < heap.length && rank(left) > rank(left + 1) ? left + 1 : left;
      if (rank(at) <= rank(smaller)) break;
      swap(at, smaller);
      at = smaller;
    }
    return top;
  };
  for (let at = 0; at + 1 < parts.length; at++) push(at, at + 1);
  while (heap.length > 0) {
    const { a, b, value } = pop();
    const [left, right] = [parts[a]!, parts[b]!];
    if (left.text === '' || right.text === '' || left.text + right.text !== value) continue;
    left.text = value;
    right.text = '';
    left.next = right.next;
    if (right.next < parts.length) parts[right.next]!.previous = a;
    push(left.previous, a);
    push(a, left.next);
  }
  return parts.flatMap(({ text }) => (text === '' ? [] : [text]));
}

/** Counts a text of ASCII letters without special tokens, which is one piece; slow, and obviously right. */
export function referenceCount(vocabulary: Vocabulary, text: string, ties: 'leftmost' | 'heap'): number {
  const { kind, tokens, merges, scores } = vocabulary;
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const rankOf = (left: string, right: string): number | undefined => {
    if (kind === 'llama') {
      const id = ids.get(left + right);
      return id === undefined ? undefined : -(scores[id] ?? 0);
    }
    const rank = merges.indexOf(`${left} ${right}`);
    return rank < 0 ? undefined : rank;
  };
  const row = (ties === 'heap' ? mergeByHeap : mergeLeftmost)(text.split(''), rankOf);
  return row.length;
}

/** Counts a normalised text by all ways to cut it, from each place on; slow, and obviously right. */
export function likeliestCount({ tokens, scores }: Vocabulary, text: string): number {
  const unknown = Math.min(...scores) - 10;
  // Of ways that are as likely, the one whose last token is the longest.
  const best: { score: number; cut: readonly string[] }[] = [{ score: 0, cut: [] }];
  for (let end = 1; end <= text.length; end++) {
    const ways = Array.from({ length: end }, (_, start) => {
      const piece = text.slice(start, end);
      const id = tokens.indexOf(piece);
      if (id < 0 && piece.length > 1) return [];
      const before = best[start];
      if (before === undefined) return [];
      return [
        { score: before.score + (id < 0 ? unknown : (scores[id] ?? 0)), cut: [...before.cut, id < 0 ? '' : piece] },
      ];
    }).flat();
    const score = Math.max(...ways.map((way) => way.score));
    const first = ways.find((way) => way.score === score);
    if (first !== undefined) best[end] = first;
  }
  const cut = best[text.length]?.cut ?? [];
  return cut.filter((piece, at) => piece !== '' || cut[at - 1] !== '').length;
}
