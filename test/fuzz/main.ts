import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { laws } from './laws.ts';
import { rooms } from './law.ts';

const USAGE = `npm run fuzz -- [--minutes N] [--only ${rooms.join(',')}]    tries new inputs, 10 minutes unless told
npm run fuzz -- --law NAME --seed N --path P                          plays one failure again`;
const MAX_TURN_MS = 5_000;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    only: { type: 'string', default: rooms.join(',') },
    law: { type: 'string' },
    seed: { type: 'string' },
    path: { type: 'string' },
  },
});
const only = values.only.split(',');
const minutes = Number(values.minutes);
const chosen = laws.filter(({ name, room }) => (values.law === undefined ? only.includes(room) : name === values.law));
if (chosen.length === 0 || !(minutes > 0) || only.some((room) => !rooms.some((known) => known === room))) {
  process.stderr.write(`${USAGE}\n`);
  process.exit(2);
}

function fail(failure: string): never {
  process.stderr.write(`\n${failure}\n`);
  process.exit(1);
}

if (values.seed !== undefined) {
  for (const law of chosen) {
    const { path } = values;
    const { failure } = law.try({ runs: law.runs, seed: Number(values.seed), ...(path === undefined ? {} : { path }) });
    if (failure !== undefined) fail(failure);
  }
  process.stdout.write('It holds: the failure does not come back.\n');
} else {
  const turnMs = Math.min(MAX_TURN_MS, (minutes * 60_000) / chosen.length / 2);
  const end = Date.now() + minutes * 60_000;
  const tried = new Map<string, number>();
  while (Date.now() < end) {
    for (const law of chosen) {
      const timeLimitMs = Math.min(turnMs, end - Date.now());
      if (timeLimitMs <= 0) break;
      const seed = randomInt(2 ** 31);
      const { runs, failure } = law.try({ runs: 1_000_000, seed, timeLimitMs });
      if (failure !== undefined) fail(failure);
      tried.set(law.name, (tried.get(law.name) ?? 0) + runs);
      const left = Math.max(0, Math.ceil((end - Date.now()) / 60_000));
      process.stdout.write(`${law.room}: ${tried.get(law.name)} inputs, seed ${seed}, ${left} min left: ${law.name}\n`);
    }
  }
  const total = [...tried.values()].reduce((sum, runs) => sum + runs, 0);
  process.stdout.write(`${chosen.length} laws held for ${total} inputs.\n`);
}
