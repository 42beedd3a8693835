// A thread of its own (see health-watch.ts): asks for the health again and again, until it is told to stop.
import { setTimeout as delay } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';

/** How often it was asked, and how long the slowest answer took. */
export type HealthTimes = { asked: number; slowestMs: number };

const { url } = workerData as { url: string };
const times: HealthTimes = { asked: 0, slowestMs: 0 };
let isOver = false;
parentPort?.once('message', () => (isOver = true));
while (!isOver) {
  const begunMs = performance.now();
  const response = await fetch(url);
  await response.arrayBuffer();
  times.asked++;
  times.slowestMs = Math.max(times.slowestMs, performance.now() - begunMs);
  await delay(25);
}
parentPort?.postMessage(times);
