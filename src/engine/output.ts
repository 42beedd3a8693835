import { createHash } from 'node:crypto';
import type { JobKey, Output, Usage } from '../job/job.ts';
import { brokenStreamEvent } from '../openai/answer.ts';
import type { SpoolWriter } from '../spool/spool.ts';
import type { Attempt } from './attempt.ts';
import type { OutputBegun } from './storefront.ts';

/** Makes what was produced durable, and describes it. */
export async function endOutput(stream: OutputBegun, writer: SpoolWriter, note: string): Promise<Output> {
  const { bytes, sha256 } = await writer.end(note);
  return { ...stream, bytes, sha256 };
}

/** Derived from the job, so that an attempt after a crash begins the same stream: to the buyer a repeated begin is no second stream. */
export const outputStreamId = (key: JobKey): string => createHash('sha256').update(`output/${key}`).digest('hex');

/** An SSE stream that had begun gets an error event, so that the client sees it; undefined: there is nothing to deliver. */
export async function endBroken(attempt: Attempt, reason: string): Promise<Output | undefined> {
  const { job, writer, stream, hasBegun, abort } = attempt;
  try {
    if (writer === undefined || stream === undefined || !hasBegun) throw new Error('no output');
    if (job.work.stream) await writer.append(brokenStreamEvent(job.terms.taskKind, reason), abort.signal);
    return await endOutput(stream, writer, '');
  } catch {
    await writer?.abort().catch(() => {}); // a spool that is lost has nothing to keep
    return undefined;
  }
}

/** Usage beside a finished spool: what a restart needs to charge for it. */
export const noteOf = (usage: Usage): string => JSON.stringify(usage);

export function usageOf(note: string): { usage?: Usage } {
  return note === '' ? {} : { usage: JSON.parse(note) as Usage };
}
