import type { Job, Output, Usage } from '../job/job.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Spool } from '../spool/spool.ts';
import type { Engine } from './engine.ts';
import { usageOf } from './output.ts';

/**
 * What a start does with the jobs that the last process left: they come back to memory, learn that there was a restart (with the finished
 * output, when the spool was complete), and the effects that were saved but not struck out are performed. Invoices are looked up after that,
 * when the node says that it is up.
 */
export async function recover(
  engine: Engine,
  ledger: Ledger,
  spool: Spool,
): Promise<{ jobs: number; effects: number }> {
  const jobs = await ledger.unfinishedJobs();
  const outbox = await ledger.outbox();
  for (const job of jobs) await engine.restore(job, { kind: 'restarted', ...(await whatWasFinished(job, spool)) });
  engine.open();
  await engine.resume(outbox);
  return { jobs: jobs.length, effects: outbox.length };
}

/** A spool that cannot be read is no reason not to start: its job counts as broken off, and is credited. */
async function whatWasFinished(job: Job, spool: Spool): Promise<{ output?: Output; usage?: Usage }> {
  const { streamId, contentType } = job;
  const finished = job.run === 'producing' ? await spool.finished(job.key).catch(() => undefined) : undefined;
  if (finished === undefined || streamId === undefined || contentType === undefined) return {};
  const { bytes, sha256, note } = finished;
  return { output: { streamId, contentType, bytes, sha256 }, ...usageOf(note) };
}
