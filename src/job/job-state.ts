import { isRunFinal, isUnpaid } from './job.ts';
import type { Job } from './job.ts';

/**
 * One word for where a job stands, for whoever looks for jobs. `open`: it can still be paid · `paid`: work is owed or under way · `served`: it
 * had its answer · `failed`: its run failed · `cancelled`: by the buyer · `unpaid`: nobody paid in time.
 */
export const JOB_STATES = ['open', 'paid', 'served', 'failed', 'cancelled', 'unpaid'] as const;
export type JobState = (typeof JOB_STATES)[number];

export function stateOf(job: Job): JobState {
  if (job.run === 'failed') return 'failed';
  if (isRunFinal(job)) return job.cancelled ? 'cancelled' : 'served';
  if (job.run !== 'none') return 'paid';
  if (isUnpaid(job)) return 'open';
  return job.cancelled ? 'cancelled' : 'unpaid';
}
