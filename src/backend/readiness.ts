import type { MemberState } from './member-state.ts';
import type { Readiness } from './pool.ts';

/** Until a backend that is at work with other models is asked again. */
const BUSY_RETRY_MS = 15_000;

/** What a model needs before a job of it can run, over all members that are able to run it. */
export function readinessOf(able: readonly MemberState[], model: string, owed: ReadonlySet<string>): Readiness {
  if (able.length === 0 || able.some((member) => !member.isCold(model))) return { kind: 'ready' };
  const loading = able.filter(({ loads }) => loads.current === model);
  if (loading.length > 0) return { kind: 'loading', leftMs: Math.min(...loading.map(({ loads }) => loads.leftMs())) };
  const member = loaderFor(able, model, owed);
  if (member !== undefined) return { kind: 'loadable', takesMs: member.loads.takesMs(model) };
  const waits = able.map(({ loads }) => (loads.current === undefined ? BUSY_RETRY_MS : loads.leftMs()));
  return { kind: 'blocked', leftMs: Math.min(...waits) };
}

/** The member that may load it: what it is at would not suffer. */
export const loaderFor = (
  able: readonly MemberState[],
  model: string,
  owed: ReadonlySet<string>,
): MemberState | undefined =>
  able.find((member) => member.loads.current === undefined && member.models.hasRoomFor(model, owed));
