import { readFile, stat } from 'node:fs/promises';
import { parseDecimal } from '../money/decimal.ts';
import type { Nano } from '../money/decimal.ts';

/** A figure, and when it was said: unix ms. */
export interface Figure {
  readonly nanoPerBitcoin: Nano;
  readonly atMs: number;
}

/** Why there is no figure; holds no secret. */
export class RateError extends Error {
  override readonly name = 'RateError';
}

const MAX_BYTES = 1_000_000;

/** The figure in a file; as old as the file. Rejects with RateError. */
export async function readFileRate(path: string, jsonPath: string | undefined): Promise<Figure> {
  try {
    const [text, { mtimeMs }] = await Promise.all([readFile(path, 'utf8'), stat(path)]);
    return { nanoPerBitcoin: figureIn(text, jsonPath), atMs: Math.floor(mtimeMs) };
  } catch (error) {
    if (error instanceof RateError) throw error;
    throw new RateError(`the file can not be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`);
  }
}

/** The figure that a server tells now. Rejects with RateError. The URL may hold a key: no message has it. */
export async function fetchRate(
  url: string,
  jsonPath: string | undefined,
  nowMs: () => number,
  signal: AbortSignal,
): Promise<Figure> {
  try {
    const response = await fetch(url, { signal, headers: { accept: 'application/json' } });
    const text = await textOf(response);
    if (!response.ok) throw new RateError(`the server answers with status ${response.status}`);
    return { nanoPerBitcoin: figureIn(text, jsonPath), atMs: nowMs() };
  } catch (error) {
    if (error instanceof RateError) throw error;
    if (signal.aborted) throw new RateError('the server does not answer in time');
    const cause = error instanceof Error ? (error.cause as NodeJS.ErrnoException | undefined) : undefined;
    throw new RateError(`the server can not be reached (${cause?.code ?? 'unknown'})`);
  }
}

async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > MAX_BYTES) throw new RateError(`the server sends more than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The figure at a path like `data.0.price` of a JSON text, digit by digit as it stands there; without a path the text is the figure. Throws RateError. */
export function figureIn(text: string, jsonPath: string | undefined): Nano {
  const found = jsonPath === undefined ? text.trim() : valueAt(text, jsonPath);
  const figure = typeof found === 'string' ? parseDecimal(found) : undefined;
  if (figure === undefined || figure === 0n)
    throw new RateError(`no amount above 0 stands ${jsonPath === undefined ? 'there' : `at ${jsonPath}`}`);
  return figure;
}

/** Numbers as their text: a double could not hold every amount. */
function valueAt(text: string, jsonPath: string): unknown {
  const asWritten = (_key: string, value: unknown, context?: { readonly source?: string }): unknown =>
    typeof value === 'number' ? (context?.source ?? String(value)) : value;
  let root: unknown;
  try {
    root = JSON.parse(text, asWritten);
  } catch {
    throw new RateError('it is no JSON');
  }
  return jsonPath
    .split('.')
    .reduce<unknown>(
      (value, key) =>
        typeof value === 'object' && value !== null && Object.hasOwn(value, key)
          ? (value as Record<string, unknown>)[key]
          : undefined,
      root,
    );
}
