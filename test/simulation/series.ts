import { simulate } from './simulate.ts';
import type { RunOptions, RunReport } from './simulate.ts';

export interface SeriesOptions extends Pick<RunOptions, 'jobs' | 'mode'> {
  readonly from: number;
  readonly seeds: number;
  /** After the first seed that fails. */
  readonly stops?: boolean;
  readonly onRun?: (report: RunReport, done: number) => void;
}

export interface SeriesReport {
  readonly seeds: number;
  readonly events: number;
  readonly seconds: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly failures: readonly {
    readonly seed: number;
    readonly law: string;
    readonly text: string;
    readonly replay: string;
  }[];
}

/** The one command that shows a run again, with its story. */
export const replayCommand = (seed: number, { jobs, mode }: Pick<RunOptions, 'jobs' | 'mode'>): string =>
  `npm run simulate -- --seed ${seed} --jobs ${jobs} --mode ${mode} --trace`;

/** Many runs, one after the other, and what they came to together. */
export async function simulateSeries({ from, seeds, jobs, mode, stops, onRun }: SeriesOptions): Promise<SeriesReport> {
  const counts: Record<string, number> = {};
  const failures: SeriesReport['failures'][number][] = [];
  const startMs = performance.now();
  let events = 0;
  let done = 0;
  for (let seed = from; seed < from + seeds; seed++) {
    const report = await simulate({ seed, jobs, mode });
    done++;
    events += report.events;
    for (const [name, count] of Object.entries(report.counts)) counts[name] = (counts[name] ?? 0) + count;
    if (report.violation !== undefined)
      failures.push({ seed, ...report.violation, replay: replayCommand(seed, { jobs, mode }) });
    onRun?.(report, done);
    if (stops === true && failures.length > 0) break;
  }
  return { seeds: done, events, seconds: (performance.now() - startMs) / 1000, counts, failures };
}
