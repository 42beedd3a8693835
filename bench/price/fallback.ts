import { median, sum } from '../statistics.ts';
import { startHidingProxy } from './hiding-proxy.ts';
import { measureEach } from './measure-model.ts';
import type { Wanted } from './measure-model.ts';
import { OUTPUT_TOKENS } from './measure.ts';
import type { Row } from './measure.ts';
import { numbers } from './numbers.ts';
import type { NamedRequest } from './requests.ts';
import { Shop } from './shop.ts';
import type { Upstream } from './shop-config.ts';

/** Jobs whose counts come back before errors are looked at. */
const CORRECTING_JOBS = 20;
const SEED = 1;

/** How far counts were off, as shares of what the server counted. */
export interface FallbackErrors {
  readonly requests: number;
  readonly mean: number;
  readonly median: number;
  readonly max: number;
}

export interface FallbackResult extends FallbackErrors {
  readonly server: string;
  readonly model: string;
  readonly estimator: string;
  /** By the group that a request's name begins with, and whether it is the variant with a tool. */
  readonly groups: Readonly<Record<string, FallbackErrors>>;
  /** The request of the largest error, and by how many tokens it was wrong. */
  readonly worst: string;
}

/** What counts come to where the server renders no prompt: the requests come in an order by chance, and the estimators learn from each that has run. */
export async function measureFallback(server: string, upstream: Upstream, wanted: Wanted): Promise<FallbackResult[]> {
  const { requests, estimators = ['openai', 'ollama'], tell } = wanted;
  await using proxy = await startHidingProxy(upstream.url);
  tell(`${server} ${upstream.model}: loading …`);
  await using shop = await Shop.open({ ...upstream, url: proxy.url }, estimators, OUTPUT_TOKENS, tell);
  const { rows } = await measureEach(server, shop, shuffled(requests), tell);
  return estimators.map((estimator) => {
    const errors = rows.slice(CORRECTING_JOBS).flatMap((row) => errorOf(row, estimator));
    const worst = errors.reduce((a, b) => (b.share > a.share ? b : a), { share: 0, tokens: 0, request: '' });
    const groups = Object.groupBy(errors, ({ request }) => groupOf(request));
    return {
      server,
      model: upstream.model,
      estimator,
      ...summed(errors),
      groups: Object.fromEntries(Object.entries(groups).map(([name, some = []]) => [name, summed(some)])),
      worst: `${worst.tokens > 0 ? '+' : ''}${worst.tokens} at “${worst.request}”`,
    };
  });
}

function errorOf({ request, quotes, usages }: Row, estimator: string) {
  const quote = quotes[estimator];
  const actual = usages[0]?.inputTokens;
  if (quote === undefined || 'refusal' in quote || actual === undefined) return [];
  const tokens = quote.inputTokens - actual;
  return [{ request, tokens, share: Math.abs(tokens) / actual }];
}

function summed(errors: readonly { readonly share: number }[]): FallbackErrors {
  const shares = errors.map(({ share }) => share);
  const requests = shares.length;
  if (requests === 0) return { requests, mean: 0, median: 0, max: 0 };
  return { requests, mean: sum(shares) / requests, median: median(shares), max: Math.max(...shares) };
}

const groupOf = (request: string): string => {
  const group = request.split(':')[0] ?? request;
  return request.endsWith(', with a tool') ? `${group} with a tool` : group;
};

/** The same order in every run. */
function shuffled(requests: readonly NamedRequest[]): NamedRequest[] {
  const next = numbers(SEED);
  return requests
    .map((request) => ({ request, at: next(2 ** 31) }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ request }) => request);
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

/** For eyes. */
export const fallbackTable = (results: readonly FallbackResult[]): string =>
  results
    .map(({ server, model, estimator, requests, mean, median, max, worst, groups }) => {
      const named = Object.entries(groups).map(([name, errors]) => `${name} ${percent(errors.mean)}`);
      const head = [server.padEnd(8), model.padEnd(14), estimator.padEnd(9), `${requests} requests`];
      const figures = [`mean ${percent(mean)}`, `median ${percent(median)}`, `max ${percent(max)} (${worst})`];
      return `${[...head, ...figures].join('  ')}\n          ${named.join(', ')}\n`;
    })
    .join('');
