import { setTimeout as delay } from 'node:timers/promises';
import { TRICKLE } from './backend.ts';
import { startSeller } from './bench.ts';
import type { Bench } from './bench.ts';
import { nowMs } from './marks.ts';
import type { Section } from './report.ts';
import { median, quantile } from './statistics.ts';

const JOBS = { full: 200, quick: 60 };
const KILOBYTE = 1024;
/** The provider watches two seconds whether a buyer stays: until then a job that is over is not at rest. */
const AT_REST_MS = 3_000;

export interface Burst {
  readonly section: Section;
  /** Why sales failed; empty when all went well. */
  readonly failures: readonly string[];
}

/** Many sales begun in the same moment, at a provider that has done nothing else. */
export async function measureBurst(bench: Bench): Promise<Burst> {
  const { buyer, quick, tell } = bench;
  const count = quick ? JOBS.quick : JOBS.full;
  await using seller = await startSeller(bench);
  await delay(AT_REST_MS); // the sale that showed that it sells
  const before = await seller.vitals('rest');
  const begun = nowMs();
  const [quotes, ends]: [number[], number[]] = [[], []];
  const sale = async () => {
    await buyer.buy('trickle', { quoted: () => void quotes.push(nowMs() - begun) });
    ends.push(nowMs() - begun);
  };
  const outcomes = await Promise.allSettled(Array.from({ length: count }, sale));
  const peak = await seller.vitals();
  await delay(AT_REST_MS);
  const after = await seller.vitals('rest');
  const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [String(outcome.reason)] : []));
  tell(`burst: ${count - failures.length} of ${count} sales went well`);
  const perJob = (bytes: number) => bytes / count / KILOBYTE;
  const section: Section = {
    title: `Burst: ${count} sales begun at once, answers of ${TRICKLE.events} events, one every ${TRICKLE.everyMs} ms`,
    figures: [
      { name: 'failed or refused', value: failures.length, unit: 'jobs', goal: { atMost: 0 } },
      { name: 'a quote', value: median(quotes), unit: 'ms', p90: quantile(quotes, 0.9) },
      { name: 'a whole sale', value: median(ends), unit: 'ms', p90: quantile(ends, 0.9) },
      { name: 'sales', value: (ends.length * 1000) / Math.max(...ends), unit: 'per s' },
      { name: 'memory of the provider before', value: before.rssBytes / KILOBYTE ** 2, unit: 'MB' },
      { name: 'more at its peak, for each job', value: perJob(peak.peakRssBytes - before.rssBytes), unit: 'KB' },
      { name: 'more when all are at rest, for each job', value: perJob(after.rssBytes - before.rssBytes), unit: 'KB' },
      { name: '  of which in use', value: perJob(after.usedBytes - before.usedBytes), unit: 'KB' },
      { name: 'CPU time of the provider for a job', value: (peak.cpuMs - before.cpuMs) / count, unit: 'ms' },
    ],
  };
  return { section, failures };
}
