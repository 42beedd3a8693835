import { parseArgs } from 'node:util';
import { findMutations } from './mutations.ts';
import { mutationTable, Progress, seriesTable } from './report.ts';
import { simulateSeries } from './series.ts';
import { simulate } from './simulate.ts';
import type { RunOptions } from './simulate.ts';

const USAGE = `Simulates sales under misfortune: the same seed is the same run.
  npm run simulate -- --seeds 1000 [--from 1] [--jobs 40] [--mode upfront|hold|mixed] [--stop]
  npm run simulate -- --seed 7 [--jobs 40] [--mode …] [--trace]
  npm run simulate -- --mutations [--seeds 400]
`;
const DEFAULT_SEEDS = 500;
const SEEDS_PER_MUTATION = 400;

const { stdout } = process;
stdout.on('error', () => process.exit()); // whoever read it has gone, as `head` does
const isTerminal = stdout.isTTY;

function fail(message: string): never {
  process.stderr.write(`${message}\n${USAGE}`);
  process.exit(2);
}

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    jobs: { type: 'string', default: '40' },
    mode: { type: 'string', default: 'mixed' },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
    stop: { type: 'boolean', default: false },
    mutations: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const count = (name: string, text: string): number =>
  /^\d+$/.test(text) ? Number(text) : fail(`--${name} is a whole number, not ${text}`);
const modeOf = (text: string): RunOptions['mode'] =>
  text === 'upfront' || text === 'hold' || text === 'mixed'
    ? text
    : fail(`--mode is upfront, hold or mixed, not ${text}`);

async function runOne(seed: number, jobs: number, mode: RunOptions['mode']): Promise<boolean> {
  const tell = (line: string): void => void stdout.write(`${line}\n`);
  const report = await simulate({ seed, jobs, mode, ...(values.trace ? { tell } : {}) });
  stdout.write(`${JSON.stringify(report, undefined, isTerminal ? 2 : 0)}\n`);
  return report.violation === undefined;
}

async function runMany(seeds: number, jobs: number, mode: RunOptions['mode']): Promise<boolean> {
  const progress = isTerminal ? new Progress(stdout, seeds) : undefined;
  const report = await simulateSeries({
    from: count('from', values.from),
    seeds,
    jobs,
    mode,
    stops: values.stop,
    onRun: (run, done) => progress?.show(done, `${(done * jobs).toLocaleString('en')} jobs`, run.violation?.law),
  });
  progress?.end();
  stdout.write(isTerminal ? seriesTable(report) : `${JSON.stringify(report)}\n`);
  return report.failures.length === 0;
}

async function runMutations(seeds: number): Promise<boolean> {
  const progress = isTerminal ? new Progress(stdout, 0) : undefined;
  const found = await findMutations({
    seeds,
    onMutation: (done, all, name) => progress?.show(done, name, undefined, all),
  });
  progress?.end();
  stdout.write(isTerminal ? mutationTable(found) : `${JSON.stringify(found)}\n`);
  return found.every(({ law }) => law !== undefined);
}

if (values.help) stdout.write(USAGE);
else {
  const [jobs, mode] = [count('jobs', values.jobs), modeOf(values.mode)];
  const isWell = values.mutations
    ? await runMutations(count('seeds', values.seeds ?? String(SEEDS_PER_MUTATION)))
    : values.seed === undefined
      ? await runMany(count('seeds', values.seeds ?? String(DEFAULT_SEEDS)), jobs, mode)
      : await runOne(count('seed', values.seed), jobs, mode);
  process.exitCode = isWell ? 0 : 1;
}
