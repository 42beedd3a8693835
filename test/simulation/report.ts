import type { WriteStream } from 'node:tty';
import type { MutationFound } from './mutations.ts';
import type { SeriesReport } from './series.ts';

const BAR = 24;
const SHOW_EVERY_MS = 100;

/** One line that tells how far it is. */
export class Progress {
  readonly #out: WriteStream;
  readonly #all: number;
  readonly #startMs = performance.now();
  #shownMs = -Infinity;
  #failures = 0;

  constructor(out: WriteStream, all: number) {
    this.#out = out;
    this.#all = all;
  }

  show(done: number, what: string, failure?: string, all = this.#all): void {
    if (failure !== undefined) this.#failures++;
    const nowMs = performance.now();
    if (nowMs - this.#shownMs < SHOW_EVERY_MS && done < all) return;
    this.#shownMs = nowMs;
    const filled = Math.round((BAR * done) / Math.max(1, all));
    const bar = '█'.repeat(filled) + '░'.repeat(BAR - filled);
    const rate = ((1000 * done) / (nowMs - this.#startMs)).toFixed(1);
    const failed = this.#failures === 0 ? '' : `, ${this.#failures} failed`;
    this.#out.write(`\r\x1b[K${bar} ${done}/${all}  ${what}  ${rate}/s${failed}`);
  }

  end(): void {
    this.#out.write('\r\x1b[K');
  }
}

const column = (rows: readonly (readonly string[])[]): string => {
  const widths = (rows[0] ?? []).map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
  return rows
    .map((row) => `  ${row.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join('   ')}`.trimEnd())
    .join('\n');
};

const LINES: readonly (readonly [string, string])[] = [
  ['jobs', 'jobs ordered'],
  ['paid', 'paid'],
  ['served', 'served'],
  ['credited', 'paid, charged nothing'],
  ['attempts', 'calls of a backend'],
  ['faults', 'misfortunes'],
  ['starts', 'starts of the process'],
];

export function seriesTable({ seeds, events, seconds, counts, failures }: SeriesReport): string {
  const number = (value: number): string => Math.round(value).toLocaleString('en');
  const rows = LINES.map(([name, text]) => [text, number(counts[name] ?? 0)]);
  const rate = [
    `${number(seeds)} seeds in ${seconds.toFixed(1)} s`,
    `${number((counts['jobs'] ?? 0) / seconds)} jobs/s`,
  ];
  const verdict =
    failures.length === 0
      ? '\nEvery law held.\n'
      : `\n${failures.length} seeds broke a law:\n${failures.map(({ seed, law, text, replay }) => `  ${seed}: ${law}: ${text}\n    ${replay}`).join('\n')}\n`;
  return `${column([rate, ...rows, ['events', number(events)]])}\n${verdict}`;
}

export function mutationTable(found: readonly MutationFound[]): string {
  const rows = found.map(({ name, seeds, law }) => [
    name,
    law === undefined ? `not in ${seeds}` : String(seeds),
    law ?? 'SURVIVED',
  ]);
  const survivors = found.filter(({ law }) => law === undefined).length;
  return `${column([['bug', 'seeds', 'found by the law'], ...rows])}\n\n${survivors === 0 ? 'Every bug was found.' : `${survivors} bugs survived.`}\n`;
}
