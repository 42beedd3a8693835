/** A goal of the project; speed is shown beside it, never asserted. */
export interface Goal {
  readonly atMost?: number;
  readonly atLeast?: number;
}

export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: 'ms' | 'ratio' | 'MB/s' | 'per s' | 'jobs' | 'KB' | 'MB' | 'messages';
  /** The value that nine of ten stay below. */
  readonly p90?: number;
  readonly goal?: Goal;
}

export interface Section {
  readonly title: string;
  readonly figures: readonly Figure[];
}

export interface Report {
  readonly machine: Readonly<Record<string, string | number>>;
  readonly quick: boolean;
  readonly sections: readonly Section[];
}

export function isMet({ value, goal }: Figure): boolean | undefined {
  if (goal === undefined) return undefined;
  return value <= (goal.atMost ?? Infinity) && value >= (goal.atLeast ?? -Infinity);
}

const digits = (value: number): string => value.toFixed(Math.abs(value) < 10 ? 2 : Math.abs(value) < 100 ? 1 : 0);

function goalText(figure: Figure): string {
  const { goal } = figure;
  if (goal === undefined) return '';
  const bound = goal.atMost === undefined ? `≥ ${goal.atLeast}` : `≤ ${goal.atMost}`;
  return `${isMet(figure) ? '✓' : '✗'} ${bound}`;
}

function rowOf(figure: Figure): string {
  const { name, value, unit, p90 } = figure;
  const columns = [
    `  ${name.padEnd(64)}`,
    digits(value).padStart(9),
    unit.padEnd(8),
    (p90 === undefined ? '' : `p90 ${digits(p90)}`).padEnd(12),
    goalText(figure),
  ];
  return columns.join(' ').trimEnd();
}

/** For eyes. */
export function asTable({ machine, sections }: Report): string {
  const about = Object.entries(machine).map(([name, value]) => `${name.replaceAll('_', ' ')}: ${value}`);
  const parts = sections.map(({ title, figures }) => [title, ...figures.map(rowOf)].join('\n'));
  return `${about.join(' · ')}\n\n${parts.join('\n\n')}\n`;
}

/** For programs: the same, with what became of each goal. */
export function asJson(report: Report): string {
  const sections = report.sections.map(({ title, figures }) => ({
    title,
    figures: figures.map((figure) => ({ ...figure, ...(figure.goal && { met: isMet(figure) }) })),
  }));
  return `${JSON.stringify({ ...report, sections }, null, 2)}\n`;
}
