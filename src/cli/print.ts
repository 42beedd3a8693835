import process from 'node:process';

/** Whether a person reads what a command answers: a table then, else JSON lines. */
export const isTerminal = (): boolean => process.stdout.isTTY;

/** Characters in a line of the terminal; some terminals do not tell. */
export const terminalWidth = (): number => process.stdout.columns || Infinity;

// `lcp-provider jobs | head` closes the pipe when it has enough: no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

/** Texts of others (a backend's failure, a model's name) must not move the cursor. */
export const printLine = (text = ''): void => void process.stdout.write(`${text.replace(/\p{Cc}/gu, ' ').trimEnd()}\n`);

/** One line of JSON: keys in snake_case, msat as numbers. */
export const printJson = (value: object): void => void process.stdout.write(`${JSON.stringify(plain(value))}\n`);

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [snakeCase(key), plain(inner)]));
}

const snakeCase = (key: string): string => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Local time, as `2026-07-14 09:30:00`; with `exact` to the millisecond. */
export function timeText(atMs: number, exact = false): string {
  const text = new Date(atMs).toLocaleString('sv');
  return exact ? `${text}.${String(Math.floor(atMs) % 1000).padStart(3, '0')}` : text;
}

export const msatText = (value: bigint): string => value.toLocaleString('en');

/** Enough of an id to tell it from others, and to find it by. */
export const shortId = (id: string): string => id.slice(0, 10);

export const durationText = (ms: number | undefined): string => (ms === undefined ? '' : `${(ms / 1000).toFixed(1)} s`);
