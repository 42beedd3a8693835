import { parentPort } from 'node:worker_threads';
import type { Asked, Told } from './counting-thread.ts';
import { CannotCount } from './estimator.ts';

/** The other side of a counting thread: loads what a task needs, which has a time limit of its own, and counts. Both may throw CannotCount. */
export function answerTasks<Task, Loaded, Answer>(
  load: (task: Task) => Loaded | Promise<Loaded>,
  count: (loaded: Loaded, task: Task) => Answer | Promise<Answer>,
): void {
  const tell = (told: Told<Answer>): void => parentPort?.postMessage(told);
  const answer = async ({ id, task }: Asked<Task>): Promise<void> => {
    try {
      const loaded = await load(task);
      tell({ id, isLoaded: true });
      tell({ id, answer: await count(loaded, task) });
    } catch (error) {
      if (!(error instanceof CannotCount)) throw error;
      tell({ id, failure: error.message });
    }
  };
  parentPort?.on('message', (asked: Asked<Task>) => void answer(asked));
}
