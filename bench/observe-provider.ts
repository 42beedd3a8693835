import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { takeMarks } from './marks.ts';
import type { Mark } from './marks.ts';
import { observeLedger, observeNode } from './observe.ts';

// Loaded into the provider's process before the program (`--import`): answers what the benchmark asks of it. The program is not altered.

export interface Vitals {
  readonly rssBytes: number;
  /** The most since the last time that vitals were asked for. */
  readonly peakRssBytes: number;
  /** What is in use of the heap, and of the memory that buffers have outside of it. */
  readonly usedBytes: number;
  /** All threads, user and system, since the start. */
  readonly cpuMs: number;
}

/** `rest`: the vitals after a garbage collection. */
export type Question = 'marks' | 'vitals' | 'rest';
export type Reply = { readonly marks: readonly Mark[] } | { readonly vitals: Vitals };

/** When this is in the environment, moments are marked too. */
export const MARKS_VARIABLE = 'LCP_BENCH_MARKS';
const LOOK_EVERY_MS = 20;

let peakRssBytes = 0;
let watch: NodeJS.Timeout | undefined;

/** Not before it is asked for: each look costs the provider a tenth of a millisecond. */
function watchMemory(): void {
  watch ??= setInterval(
    () => (peakRssBytes = Math.max(peakRssBytes, process.memoryUsage.rss())),
    LOOK_EVERY_MS,
  ).unref();
}

function vitals(): Vitals {
  const { rss: rssBytes, heapUsed, external } = process.memoryUsage();
  const peak = Math.max(peakRssBytes, rssBytes);
  peakRssBytes = rssBytes;
  const { user, system } = process.cpuUsage();
  return { rssBytes, peakRssBytes: peak, usedBytes: heapUsed + external, cpuMs: (user + system) / 1000 };
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

if (process.send !== undefined) {
  if (process.env[MARKS_VARIABLE] !== undefined) {
    observeNode();
    observeLedger();
  }
  process.on('message', (question: Question) => {
    if (question !== 'marks') watchMemory();
    if (question === 'rest') collectGarbage();
    process.send?.((question === 'marks' ? { marks: takeMarks() } : { vitals: vitals() }) satisfies Reply);
  });
  process.channel?.unref(); // the program ends when it wants to
}
