import { setTimeout as delay } from 'node:timers/promises';

const defaultEveryMs = 50;

/**
 * Asks again and again until `probe` answers with something other than `undefined` or `false`, and promises that answer.
 * An error thrown by `probe` counts as "not yet". Rejects after `deadlineMs`, naming `what` and the last error;
 * rejects at once when `giveUp` (asked before every probe) returns a reason. Between probes it waits `everyMs`, 50 by default.
 */
export async function poll<T>(
  what: string,
  deadlineMs: number,
  probe: () => Promise<T | undefined | false>,
  giveUp?: () => string | undefined,
  everyMs = defaultEveryMs,
): Promise<T> {
  const end = performance.now() + deadlineMs;
  let last: unknown;
  for (;;) {
    const reason = giveUp?.();
    if (reason !== undefined) throw new Error(`Gave up waiting for ${what}: ${reason}`);
    try {
      const answer = await probe();
      if (answer !== undefined && answer !== false) return answer;
    } catch (error) {
      last = error;
    }
    if (performance.now() >= end) {
      const why = last instanceof Error ? ` Last error: ${last.message}` : '';
      throw new Error(`No ${what} within ${deadlineMs} ms.${why}`, { cause: last });
    }
    await delay(everyMs);
  }
}
