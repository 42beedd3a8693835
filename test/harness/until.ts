import { turn } from './manual-clock.ts';

const DEADLINE_MS = 5_000;

/** The first answer that is neither undefined nor false, asked again at every turn of the event loop: real files and threads are behind it. */
export async function until<T>(
  what: string,
  question: () => T | Promise<T>,
  deadlineMs = DEADLINE_MS,
): Promise<NonNullable<T>> {
  const giveUpAt = performance.now() + deadlineMs;
  for (;;) {
    const answer = await question();
    if (answer !== undefined && answer !== false && answer !== null) return answer;
    if (performance.now() > giveUpAt) throw new Error(`not so within ${deadlineMs} ms: ${what}`);
    await turn();
  }
}
