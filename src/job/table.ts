import type { Effect } from './effect.ts';
import type { Entry } from './entry.ts';
import type { EventKind, EventOf, JobEvent } from './event.ts';
import type { Job } from './job.ts';

/** A rule with a name, so that the tables in the docs can be printed from the code. */
export interface Named<F> {
  readonly name: string;
  readonly apply: F;
}

export type Condition = Named<(job: Job, event: JobEvent) => boolean>;
export type EntryRule = Named<(job: Job, event: JobEvent) => readonly Entry[]>;

/** What a row changes in the job besides the state; it sees the job before the change. */
export type Patch = (job: Job, event: JobEvent, nowMs: number) => Partial<Job>;

/** One line of a table. Rows are tried from the top; the first that fits is taken. */
export interface Row<State extends string> {
  readonly from: readonly State[] | 'any';
  readonly on: EventKind;
  readonly when?: Condition;
  readonly to: State | 'same';
  readonly patch?: Patch;
  readonly entries?: readonly EntryRule[];
  readonly effects?: readonly Effect[];
  /** Told to all tables within the same step. */
  readonly raises?: EventKind;
  /** Not saved by itself, but with the job's next change: a restart makes the same of the state before it. */
  readonly isUnsaved?: true;
  readonly why?: string;
}

/** A patch that reads the fields of one kind of event. */
export function patchFrom<K extends EventKind>(
  kind: K,
  patch: (event: EventOf<K>, job: Job, nowMs: number) => Partial<Job>,
): Patch {
  return (job, event, nowMs) => (event.kind === kind ? patch(event as EventOf<K>, job, nowMs) : {});
}

/** The first row that fits, or undefined: the event means nothing to this table in this state. */
export function findRow<State extends string>(
  rows: readonly Row<State>[],
  state: State,
  job: Job,
  event: JobEvent,
): Row<State> | undefined {
  return rows.find(
    (row) =>
      row.on === event.kind &&
      (row.from === 'any' || row.from.includes(state)) &&
      (row.when === undefined || row.when.apply(job, event)),
  );
}
