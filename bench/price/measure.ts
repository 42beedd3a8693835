import { BackendError } from '../../src/backend/backend.ts';
import type { Count } from '../../src/estimating/estimator.ts';
import type { TaskKind } from '../../src/openai/request.ts';
import type { AnswerUsage } from '../../src/openai/usage.ts';
import { chargeMsat } from '../../src/pricing/price.ts';
import { fitsContext } from './context.ts';
import type { NamedRequest } from './requests.ts';
import { price } from './shop-config.ts';
import type { Shop } from './shop.ts';

/** Tokens that each request may produce: few, since what is measured is the input. */
export const OUTPUT_TOKENS = 4;

/** What an estimator made of a request that ran. */
export type Quoted = {
  readonly inputTokens: number;
  readonly accuracy: Count['accuracy'];
  readonly quoteMs: number;
  /** What the product takes in the end, for each run. */
  readonly chargesMsat: readonly bigint[];
};

export type Row = {
  readonly request: string;
  /** Of the first run, of a second one whose prompt the server has in its cache, and so on. */
  readonly usages: readonly AnswerUsage[];
  /** What the runs cost by the price list, by the server's own figures. */
  readonly worthMsat: readonly bigint[];
  /** By estimator. */
  readonly quotes: Readonly<Record<string, Quoted | { readonly refusal: string }>>;
};

/** Why a request has no figures: the server or the product does not take it. */
export type Skipped = { readonly request: string; readonly reason: string; readonly isTooLong: boolean };

/** The list price of what was used, computed by itself: whole millisatoshi, rounded up once. */
export function worthOf({ inputTokens, outputTokens }: AnswerUsage): bigint {
  const micro = BigInt(inputTokens) * price.inputMsatPerMtok + BigInt(outputTokens) * price.outputMsatPerMtok;
  return price.requestMsat + (micro + 999_999n) / 1_000_000n;
}

/** How much is produced is ours to say. */
const output = new Set(['max_tokens', 'max_completion_tokens', 'max_output_tokens', 'n', 'stream', 'stream_options']);

function bodyOf(model: string, { taskKind, body }: NamedRequest, stream: boolean): Uint8Array {
  const cap = taskKind === 'openai.responses.v1' ? 'max_output_tokens' : 'max_tokens';
  const rest = Object.fromEntries(Object.entries(body).filter(([key]) => !output.has(key)));
  return Buffer.from(JSON.stringify({ temperature: 0, seed: 7, ...rest, model, stream, [cap]: OUTPUT_TOKENS }));
}

async function quoteAll(shop: Shop, taskKind: TaskKind, body: Uint8Array) {
  const quotes = [];
  for (const name of shop.estimators) {
    const begun = performance.now();
    const quote = await shop.quote(name, taskKind, body);
    quotes.push({ name, quote, quoteMs: performance.now() - begun });
  }
  return quotes;
}

/** Two runs, whole and streamed: the second finds its prompt in the server's cache. */
async function runTwice(shop: Shop, request: NamedRequest): Promise<AnswerUsage[]> {
  const usages = [];
  for (const stream of [false, true]) {
    const usage = await shop.run(request.taskKind, bodyOf(shop.upstream.model, request, stream));
    if (usage === undefined) throw new Error(`no usage was told${stream ? ' of the stream' : ''}`);
    usages.push(usage);
  }
  return usages;
}

/** Prices a request by every estimator, runs it, and lets them learn from that as the product does. */
export async function measure(shop: Shop, request: NamedRequest): Promise<Row | Skipped> {
  const { name, taskKind } = request;
  const body = bodyOf(shop.upstream.model, request, false);
  const quotes = await quoteAll(shop, taskKind, body);
  if (!(await fitsContext(shop, taskKind, body, OUTPUT_TOKENS)))
    return { request: name, reason: 'longer than the context', isTooLong: true };
  let usages: AnswerUsage[];
  try {
    usages = await runTwice(shop, request);
  } catch (error) {
    const reason = error instanceof BackendError ? `${error.message} (${error.status ?? 'no status'})` : String(error);
    return { request: name, reason, isTooLong: false };
  }
  const results = quotes.map(({ name: estimator, quote, quoteMs }) => {
    if ('refusal' in quote) return [estimator, quote] as const;
    if (usages[0] !== undefined) shop.learn(quote, usages[0].inputTokens);
    const chargesMsat = usages.map((usage) => chargeMsat(quote, usage, quote.priceMsat));
    const { inputTokens, counted } = quote;
    return [estimator, { inputTokens, accuracy: counted?.accuracy ?? 'estimate', quoteMs, chargesMsat }] as const;
  });
  return { request: name, usages, worthMsat: usages.map(worthOf), quotes: Object.fromEntries(results) };
}
