import { turn } from './manual-clock.ts';

const DEADLINE_MS = 5_000;

/** Who asks on at every turn takes from the threads that it waits for the time to answer. */
const EAGER_TURNS = 20;
const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

/** The first answer that is neither undefined nor false, asked again and again: real files and threads are behind it. */
export async function until<T>(
  what: string,
  question: () => T | Promise<T>,
  deadlineMs = DEADLINE_MS,
): Promise<NonNullable<T>> {
  const giveUpAt = performance.now() + deadlineMs;
  for (let asked = 1; ; asked++) {
    const answer = await question();
    if (answer !== undefined && answer !== false && answer !== null) return answer;
    if (performance.now() > giveUpAt) throw new Error(`not so within ${deadlineMs} ms: ${what}`);
    await (asked < EAGER_TURNS ? turn() : pause());
  }
}
