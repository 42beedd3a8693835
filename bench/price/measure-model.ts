import type { Report as Tell } from '../../test/rig/cache.ts';
import { measure, OUTPUT_TOKENS } from './measure.ts';
import type { Row, Skipped } from './measure.ts';
import type { NamedRequest } from './requests.ts';
import { Shop } from './shop.ts';
import type { Upstream } from './shop-config.ts';
import { errorsText } from './report.ts';
import { errorsOf } from './summary.ts';
import type { ModelResult } from './summary.ts';

/** What is measured of every model. */
export type Wanted = {
  readonly requests: readonly NamedRequest[];
  /** As in the configuration; absent: those that need nothing but the server. */
  readonly estimators: readonly string[] | undefined;
  /** Progress, for eyes. */
  readonly tell: Tell;
};

const TELL_EVERY_MS = 5000;

/** Those that can count for a server, and the two that always can. */
export const defaultEstimators: Readonly<Record<Upstream['driver'], readonly string[]>> = {
  ollama: ['bytes', 'openai', 'ollama'],
  openai: ['bytes', 'openai', 'server'],
};

/** All requests upon one model; `server` is its name in the report. */
export async function measureModel(server: string, upstream: Upstream, wanted: Wanted): Promise<ModelResult> {
  const { model, driver } = upstream;
  const { requests, estimators = defaultEstimators[driver], tell } = wanted;
  tell(`${server} ${model}: loading …`);
  await using shop = await Shop.open(upstream, estimators, OUTPUT_TOKENS, tell);
  const { rows, skipped } = await measureEach(server, shop, requests, tell);
  const errors = estimators.map((name) => errorsOf(rows, name)).map(errorsText);
  tell(`${server} ${model}: ${rows.length} of ${requests.length} requests ran; wrong by: ${errors.join(', ')}`);
  return { server, model, estimators, rows, skipped };
}

/** One after the other; the estimators learn from each that has run. */
export async function measureEach(
  server: string,
  shop: Shop,
  requests: readonly NamedRequest[],
  tell: Tell,
): Promise<{ readonly rows: readonly Row[]; readonly skipped: readonly Skipped[] }> {
  const rows: Row[] = [];
  const skipped: Skipped[] = [];
  let toldAt = performance.now();
  for (const [at, request] of requests.entries()) {
    const outcome = await measure(shop, request);
    if ('reason' in outcome) skipped.push(outcome);
    else rows.push(outcome);
    if (performance.now() - toldAt < TELL_EVERY_MS) continue;
    toldAt = performance.now();
    tell(`${server} ${shop.upstream.model}: ${at + 1} of ${requests.length} requests`);
  }
  return { rows, skipped };
}
