import { backendModelOf } from '../job/job.ts';
import type { Job, Usage } from '../job/job.ts';
import { amountsOf } from '../pricing/model-price.ts';

/** The weight of the latest run in the means. */
const LATEST_WEIGHT = 0.2;
/** Half of the runs are slower than the mean: what is guessed must not be above what was produced. */
const SAFE_PART = 0.5;

/** How much each model does in a second, prompt and output weighed as the price list weighs them: a moving mean of runs that told their usage. */
export class WorkRates {
  readonly #means = new Map<string, { tokens: number; ms: number }>();

  ended(job: Job, usage: Usage, tookMs: number): void {
    const model = backendModelOf(job.work);
    const now = { tokens: usage.outputTokens + promptAsOutput(job, usage.inputTokens), ms: tookMs };
    if (!(now.tokens > 0 && now.ms > 0 && Number.isFinite(now.tokens))) return;
    const before = this.#means.get(model) ?? now;
    const mean = (key: 'tokens' | 'ms'): number => before[key] + LATEST_WEIGHT * (now[key] - before[key]);
    this.#means.set(model, { tokens: mean('tokens'), ms: mean('ms') });
  }

  /** The output that a run has most likely at least come to, beside its prompt; 0 for a model of which nothing is known. */
  outputTokens(job: Job, ranMs: number): number {
    const mean = this.#means.get(backendModelOf(job.work));
    if (mean === undefined) return 0;
    const { inputTokens, maxOutputTokens } = job.breakdown;
    const tokens = (SAFE_PART * mean.tokens * ranMs) / mean.ms - promptAsOutput(job, inputTokens);
    return Number.isFinite(tokens) ? Math.min(maxOutputTokens, Math.max(0, Math.floor(tokens))) : 0; // output may cost nothing
  }
}

/** Tokens of output that cost as much. */
function promptAsOutput({ breakdown: { price } }: Job, inputTokens: number): number {
  const { input, output } = amountsOf(price);
  return (inputTokens * Number(input)) / Number(output);
}
