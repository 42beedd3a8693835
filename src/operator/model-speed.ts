import { backendModelOf } from '../job/job.ts';
import type { Job } from '../job/job.ts';

/**
 * Tokens of output in a second, for each model as the backend calls it, over these jobs: of streams from the first byte on, of answers in one piece
 * from their start. Jobs that tell neither count for nothing. Pure.
 */
export function modelSpeeds(jobs: Iterable<Job>): ReadonlyMap<string, number> {
  const sums = new Map<string, { tokens: number; ms: number }>();
  for (const { work, usage, startedAtMs, beganAtMs, endedAtMs } of jobs) {
    const fromMs = work.stream ? beganAtMs : startedAtMs;
    if (usage === undefined || fromMs === undefined || endedAtMs === undefined || endedAtMs <= fromMs) continue;
    const model = backendModelOf(work);
    const { tokens, ms } = sums.get(model) ?? { tokens: 0, ms: 0 };
    sums.set(model, { tokens: tokens + usage.outputTokens, ms: ms + endedAtMs - fromMs });
  }
  return new Map([...sums].map(([model, { tokens, ms }]) => [model, (tokens * 1000) / ms]));
}
