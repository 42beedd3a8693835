import type { Row, Skipped } from './measure.ts';

/** All requests upon one model of one server. */
export type ModelResult = {
  /** Which server: `today` and `older` are the rig's, see test/rig/build.ts. */
  readonly server: string;
  readonly model: string;
  readonly estimators: readonly string[];
  readonly rows: readonly Row[];
  readonly skipped: readonly Skipped[];
};

/** An estimator against what the server counted. Errors are shares of the server's count. */
export type Errors = {
  readonly estimator: string;
  readonly compared: number;
  /** The estimator would not count. */
  readonly refused: number;
  /** The server's count in every run. */
  readonly exact: number;
  readonly meanError: number;
  readonly maxError: number;
  /** The request of the largest error, and by how many tokens it was wrong; undefined when all are exact. */
  readonly worst?: { readonly request: string; readonly tokens: number };
  /** Requests that were charged what their use was worth, to the millisatoshi, in every run. */
  readonly chargedRight: number;
  /** What was charged too little, as a share of what all were worth: the seller's loss. */
  readonly lostShare: number;
  readonly meanQuoteMs: number;
  readonly maxQuoteMs: number;
};

type Compared = {
  readonly request: string;
  /** Of the run in which it was furthest off. */
  readonly tokens: number;
  readonly share: number;
  readonly quoteMs: number;
  readonly isChargedRight: boolean;
  readonly lostMsat: bigint;
  readonly worthMsat: bigint;
};

const total = (values: readonly bigint[]): bigint => values.reduce((sum, value) => sum + value, 0n);

function compare(row: Row, estimator: string): Compared | undefined {
  const quoted = row.quotes[estimator];
  if (quoted === undefined || 'refusal' in quoted) return undefined;
  const { inputTokens, quoteMs, chargesMsat } = quoted;
  const offs = row.usages.map((usage) => ({
    tokens: inputTokens - usage.inputTokens,
    share: Math.abs(inputTokens - usage.inputTokens) / usage.inputTokens,
  }));
  const furthest = offs.reduce((a, b) => (b.share > a.share ? b : a));
  return {
    request: row.request,
    ...furthest,
    quoteMs,
    isChargedRight: chargesMsat.every((charge, run) => charge === row.worthMsat[run]),
    lostMsat: total(row.worthMsat) - total(chargesMsat),
    worthMsat: total(row.worthMsat),
  };
}

/** How an estimator did on these requests. */
export function errorsOf(rows: readonly Row[], estimator: string): Errors {
  const all = rows.map((row) => compare(row, estimator)).filter((compared) => compared !== undefined);
  const mean = (of: (compared: Compared) => number): number =>
    all.reduce((sum, compared) => sum + of(compared), 0) / Math.max(1, all.length);
  const worst = all.reduce<Compared | undefined>((a, b) => (b.share > (a?.share ?? 0) ? b : a), undefined);
  const worthMsat = total(all.map((compared) => compared.worthMsat));
  return {
    estimator,
    compared: all.length,
    refused: rows.filter(({ quotes }) => 'refusal' in (quotes[estimator] ?? {})).length,
    exact: all.filter(({ tokens }) => tokens === 0).length,
    meanError: mean(({ share }) => share),
    maxError: worst?.share ?? 0,
    ...(worst && { worst: { request: worst.request, tokens: worst.tokens } }),
    chargedRight: all.filter(({ isChargedRight }) => isChargedRight).length,
    lostShare: worthMsat === 0n ? 0 : Number(total(all.map(({ lostMsat }) => lostMsat))) / Number(worthMsat),
    meanQuoteMs: mean(({ quoteMs }) => quoteMs),
    maxQuoteMs: Math.max(0, ...all.map(({ quoteMs }) => quoteMs)),
  };
}

/** Requests of which the server's own figures differ between a first run and one whose prompt it had in its cache. */
export const unstable = (rows: readonly Row[]): readonly Row[] =>
  rows.filter(({ usages }) => new Set(usages.map(({ inputTokens }) => inputTokens)).size > 1);

/** Said to be as the server counts, whatever the request. */
const exact = 'ollama';

/** Each promise of exactness that was broken, in words; that an estimator declines a request breaks none. And each that counted nothing at all. */
export function differences(results: readonly ModelResult[]): string[] {
  const told: string[] = [];
  for (const { server, model, rows, estimators } of results) {
    for (const name of estimators)
      if (rows.length > 0 && errorsOf(rows, name).compared === 0)
        told.push(`${server} ${model}: ${name} counted nothing`);
    for (const { request, usages, quotes } of rows)
      for (const [name, quote] of Object.entries(quotes)) {
        if ('refusal' in quote || (name !== exact && quote.accuracy !== 'exact')) continue;
        const { inputTokens, accuracy } = quote;
        const actual = usages.map((usage) => usage.inputTokens);
        if (actual.every((count) => count === inputTokens)) continue;
        told.push(
          `${server} ${model}, “${request}”: ${name} counted ${inputTokens} (${accuracy}) for ${actual.join(', ')}`,
        );
      }
  }
  return told;
}
