import { errorsOf, unstable } from './summary.ts';
import type { Errors, ModelResult } from './summary.ts';

const percent = (share: number): string => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;

/** In few words. */
export const errorsText = ({ estimator, compared, meanError, maxError }: Errors): string =>
  compared === 0 ? `${estimator} counted nothing` : `${estimator} ${percent(meanError)} (at most ${percent(maxError)})`;

const columns = [
  { title: 'server', width: -12 },
  { title: 'model', width: -14 },
  { title: 'estimator', width: -9 },
  { title: 'requests', width: 8 },
  { title: 'exact', width: 6 },
  { title: 'mean', width: 8 },
  { title: 'max', width: 8 },
  { title: 'charged right', width: 13 },
  { title: 'lost', width: 7 },
  { title: 'ms', width: 6 },
  { title: 'max ms', width: 7 },
  { title: 'worst', width: -1 },
] as const;

const line = (cells: readonly string[]): string =>
  columns
    .map(({ width }, at) => (width < 0 ? (cells[at] ?? '').padEnd(-width) : (cells[at] ?? '').padStart(width)))
    .join('  ')
    .trimEnd();

function cellsOf(server: string, model: string, errors: Errors): string[] {
  const { estimator, compared, exact, meanError, maxError, worst, chargedRight, lostShare, refused } = errors;
  const off = worst === undefined ? '' : `${worst.tokens > 0 ? '+' : ''}${worst.tokens} at “${worst.request}”`;
  const cannot = refused === 0 ? '' : `${refused} not counted `;
  const share = percent(lostShare);
  const ms = [errors.meanQuoteMs, errors.maxQuoteMs].map((value) => value.toFixed(1));
  const counts = [String(compared), String(exact), percent(meanError), percent(maxError), String(chargedRight), share];
  return [server, model, estimator, ...counts, ...ms, cannot + off];
}

function notesOf({ server, model, rows, skipped }: ModelResult): string[] {
  const where = `${server} ${model}`;
  const notes: string[] = [];
  const tooLong = skipped.filter(({ isTooLong }) => isTooLong).length;
  if (tooLong > 0) notes.push(`${where}: ${tooLong} requests are longer than the context`);
  const others = skipped.filter(({ isTooLong }) => !isTooLong);
  for (const reason of new Set(others.map((one) => one.reason))) {
    const names = others.filter((one) => one.reason === reason).map(({ request }) => `“${request}”`);
    const some = names.length > 3 ? `${names.slice(0, 3).join(', ')}, …` : names.join(', ');
    notes.push(`${where}: did not run: ${names.length} (${some}): ${reason}`);
  }
  for (const { request, usages } of unstable(rows)) {
    const counts = usages.map(({ inputTokens }) => inputTokens).join(', then ');
    notes.push(`${where}: the server itself counts “${request}” differently when it has it in its cache: ${counts}`);
  }
  return notes;
}

/** For eyes. */
export function asTable(results: readonly ModelResult[]): string {
  const body = results.flatMap(({ server, model, rows, estimators }) =>
    estimators.map((name) => line(cellsOf(server, model, errorsOf(rows, name)))),
  );
  const all = results.flatMap(({ rows }) => rows);
  const names = [...new Set(results.flatMap(({ estimators }) => estimators))];
  const totals = names.map((name) => line(cellsOf('all', '', errorsOf(all, name))));
  const notes = results.flatMap(notesOf);
  const head = line(columns.map(({ title }) => title));
  return `${[head, ...body, '', ...totals, ...(notes.length > 0 ? ['', ...notes] : [])].join('\n')}\n`;
}

/** For programs: the same, and every request. */
export function asJson(results: readonly ModelResult[]): string {
  const models = results.map((result) => ({
    ...result,
    estimators: result.estimators.map((name) => errorsOf(result.rows, name)),
  }));
  const bigintsAsNumbers = (_key: string, value: unknown): unknown =>
    typeof value === 'bigint' ? Number(value) : value;
  return `${JSON.stringify({ models }, bigintsAsNumbers, 2)}\n`;
}
