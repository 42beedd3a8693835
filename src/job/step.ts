import { deliveryTable } from './delivery.ts';
import type { Effect } from './effect.ts';
import type { Entry } from './entry.ts';
import type { EventKind, JobEvent } from './event.ts';
import { fundingTable } from './funding.ts';
import type { Job } from './job.ts';
import { runTable } from './run.ts';
import { findRow } from './table.ts';

export interface Step {
  readonly job: Job;
  readonly entries: readonly Entry[];
  readonly effects: readonly Effect[];
  /** False: it may stay in memory until the job's next change is saved. */
  readonly isToBeSaved: boolean;
}

const tables = [
  { part: 'funding', rows: fundingTable },
  { part: 'run', rows: runTable },
  { part: 'delivery', rows: deliveryTable },
] as const;

/** Events that a table raises for the others carry nothing. */
type Raised = 'funded' | 'payment-lost' | 'run-ended' | 'run-failed';
const raise = (kind: EventKind): JobEvent => ({ kind: kind as Raised });

/**
 * The whole of the job's logic: pure. Each table takes the first row that fits; what a row raises is told to all tables before the step ends.
 * Undefined: the event means nothing to this job now, and nothing is to be saved.
 */
export function step(before: Job, event: JobEvent, nowMs: number): Step | undefined {
  let job = before;
  const entries: Entry[] = [];
  const effects: Effect[] = [];
  const queue: JobEvent[] = [event];
  let [changed, isToBeSaved] = [false, false];
  for (let now = queue.shift(); now !== undefined; now = queue.shift()) {
    for (const { part, rows } of tables) {
      const state = job[part];
      // The tables have different state types; `part` keeps rows and state together.
      const row = findRow(rows as never, state as never, job, now) as (typeof rows)[number] | undefined;
      if (row === undefined) continue;
      changed = true;
      isToBeSaved ||= row.isUnsaved !== true;
      const patch = row.patch?.(job, now, nowMs) ?? {};
      job = { ...job, ...patch, [part]: row.to === 'same' ? state : row.to, changedAtMs: nowMs };
      for (const rule of row.entries ?? []) entries.push(...rule.apply(job, now));
      effects.push(...(row.effects ?? []));
      if (row.raises !== undefined) queue.push(raise(row.raises));
    }
  }
  return changed ? { job, entries, effects, isToBeSaved } : undefined;
}
