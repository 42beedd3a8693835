/** A moment in one of the processes of the benchmark. */
export interface Mark {
  readonly what: string;
  readonly atMs: number;
}

const kept: Mark[] = [];

/** The monotonic clock of the machine, in milliseconds: one for all of its processes and threads. */
export const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;

export function mark(what: string): void {
  kept.push({ what, atMs: nowMs() });
}

/** All marks since the last call. */
export const takeMarks = (): Mark[] => kept.splice(0);

/** The first of a kind at or after a moment; throws when there is none. */
export function firstOf(marks: readonly Mark[], what: string, fromMs = -Infinity): number {
  const found = marks.find((each) => each.what === what && each.atMs >= fromMs);
  if (found === undefined) throw new Error(`a sale without "${what}"`);
  return found.atMs;
}
