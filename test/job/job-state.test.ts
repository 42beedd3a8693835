import { expect, test } from 'vitest';
import { stateOf } from '../../src/job/job-state.ts';
import { isAtRest } from '../../src/job/job.ts';
import type { Job } from '../../src/job/job.ts';
import { sampleJob } from './sample-job.ts';

const FUNDING = ['invoicing', 'open', 'held', 'settling', 'closing', 'funded', 'closed', 'refunded'] as const;
const RUN = ['none', 'queued', 'running', 'producing', 'ended', 'failed'] as const;

test.each<[Partial<Job>, string]>([
  [{ funding: 'invoicing' }, 'open'],
  [{ funding: 'closing', cancelled: true }, 'open'],
  [{ funding: 'closed' }, 'unpaid'],
  [{ funding: 'closed', cancelled: true }, 'cancelled'],
  [{ funding: 'held', run: 'running' }, 'paid'],
  [{ funding: 'funded', run: 'queued' }, 'paid'],
  [{ funding: 'funded', run: 'producing', cancelled: true }, 'paid'],
  [{ funding: 'closed', run: 'ended' }, 'served'],
  [{ funding: 'closed', run: 'ended', cancelled: true }, 'cancelled'],
  [{ funding: 'closing', run: 'failed' }, 'failed'],
  [{ funding: 'refunded', run: 'failed', cancelled: true }, 'failed'],
])('a job with %o is %s', (fields, state) => expect(stateOf(sampleJob(fields))).toBe(state));

test('a job at rest is never called open or paid', () => {
  const jobs = FUNDING.flatMap((funding) => RUN.map((run) => sampleJob({ funding, run }))).filter(isAtRest);
  expect(jobs.length).toBeGreaterThan(0);
  for (const job of jobs) expect(['open', 'paid'], `${job.funding} ${job.run}`).not.toContain(stateOf(job));
});
