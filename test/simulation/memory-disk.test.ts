import { expect, test } from 'vitest';
import { openDiskSpool } from '../../src/spool/disk-spool.ts';
import type { Spool } from '../../src/spool/spool.ts';
import { Life } from './life.ts';
import { MemoryDisk } from './memory-disk.ts';
import { World } from './world.ts';

/** More than a whole spool takes. */
const CALLS = 60;
const LONG_MS = 60_000;

/** The spool as one process has it. */
function spoolOf(world: World, disk: MemoryDisk): { life: Life; spool: Promise<Spool> } {
  const life = new Life(world, 0, () => {});
  return { life, spool: openDiskSpool({ directory: '/spool', maxBytes: 10_000, disk: disk.mount(life) }) };
}

/** Whether a process that starts now finds the end of the answer. */
async function isFinished(world: World, disk: MemoryDisk): Promise<boolean> {
  let isFound: boolean | undefined;
  const { spool } = spoolOf(world, disk);
  void spool.then((opened) => opened.finished('job')).then((end) => (isFound = end !== undefined));
  await world.run(LONG_MS);
  if (isFound === undefined) throw new Error('the spool does not answer');
  return isFound;
}

test('an end that a start has found survives a power cut, wherever the process before it was killed', async () => {
  let [found, lost] = [0, 0];
  for (let calls = 1; calls <= CALLS; calls++) {
    for (let seed = 1; seed <= 8; seed++) {
      const world = new World(seed);
      const disk = new MemoryDisk(world);
      const { life, spool } = spoolOf(world, disk);
      life.doom(calls);
      void spool
        .then((opened) => opened.create('job', { maxBytes: 1_000, maxBacklogBytes: 1_000 }))
        .then(async (writer) => {
          await writer.append(Buffer.from('an answer'));
          await writer.end('');
        });
      await world.run(LONG_MS);
      life.die('is killed');
      if (!(await isFinished(world, disk))) continue;
      found++;
      disk.cutPower();
      if (!(await isFinished(world, disk))) lost++;
    }
  }
  expect(found).toBeGreaterThan(0);
  expect(lost).toBe(0);
});
