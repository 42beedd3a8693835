export interface Column<Row> {
  readonly title: string;
  readonly text: (row: Row) => string;
  readonly align?: 'right';
  /** Where there is not room for all, columns with a number are left out, the lowest first. */
  readonly leftOutAs?: number | undefined;
}

const GAP = '  ';

/** Rows as lines of aligned columns under their titles, at most `width` characters wide if that can be; what is left out for it is told below. */
export function tableLines<Row>(columns: readonly Column<Row>[], rows: readonly Row[], width = Infinity): string[] {
  const cells = columns.map(({ title, text }) => [title, ...rows.map(text)]);
  const table = columns.map((column, index) => {
    const lines = cells[index] ?? [];
    return { column, lines, size: Math.max(...lines.map(({ length }) => length)) };
  });
  const leavable = table
    .filter(({ column }) => column.leftOutAs !== undefined)
    .toSorted((a, b) => (a.column.leftOutAs ?? 0) - (b.column.leftOutAs ?? 0));
  const total = (some: typeof table) => some.reduce((sum, { size }) => sum + size + GAP.length, -GAP.length);
  let shown = table;
  for (const one of leavable) if (total(shown) > width) shown = shown.filter((other) => other !== one);
  const left = table.filter((one) => !shown.includes(one)).map(({ column }) => column.title);
  return [
    ...[undefined, ...rows].map((_, line) =>
      shown
        .map(({ column, lines, size }) => {
          const cell = lines[line] ?? '';
          return column.align === 'right' ? cell.padStart(size) : cell.padEnd(size);
        })
        .join(GAP)
        .trimEnd(),
    ),
    ...(left.length > 0 ? [`No room here for: ${left.join(', ')}. A wider terminal, or a pipe, gets all.`] : []),
  ];
}
