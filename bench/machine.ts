import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import type { Rig } from '../test/rig/rig.ts';

const GIGABYTE = 1024 ** 3;

/** What the figures were measured on. The load before we begin says whether somebody else was at work. */
export async function describeMachine(rig: Rig): Promise<Record<string, string | number>> {
  const { version } = (await rig.seller.lncli('getinfo')) as { version: string };
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memory_gb: Math.round(totalmem() / GIGABYTE),
    system: `${process.platform} ${process.arch}`,
    node: process.version,
    lnd: version.split(' ')[0] ?? version,
    load_before: Number((loadavg()[0] ?? 0).toFixed(2)),
  };
}
