/** Edits (insert, delete, replace, swap neighbours) that lead from one word to the other. */
function distance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      const options = [rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + cost];
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) options.push(rows[i - 2]![j - 2]! + 1);
      row.push(Math.min(...options));
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}

const plain = (word: string): string => word.toLowerCase().replaceAll(/[^a-z0-9]/g, '');

/** The known word that was probably meant; undefined when none is near. */
export function suggestion(word: string, known: readonly string[]): string | undefined {
  if (word.length > 60) return undefined;
  const meant = plain(word);
  const near = known
    .map((candidate) => ({ candidate, edits: distance(meant, plain(candidate)) }))
    .filter(({ candidate, edits }) => edits <= Math.max(1, Math.floor(candidate.length / 3)))
    .toSorted((a, b) => a.edits - b.edits)[0];
  if (near) return near.candidate;
  // A beginning of a longer key, perhaps with one slip.
  return meant.length < 4
    ? undefined
    : known.find(
        (candidate) =>
          meant.startsWith(plain(candidate)) || distance(meant, plain(candidate).slice(0, meant.length)) <= 1,
      );
}
