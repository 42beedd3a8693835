import { mkdirSync } from 'node:fs';
import { inspect, parseArgs } from 'node:util';
import { startRig } from '../test/rig/rig.ts';
import { startStandIn } from './backend.ts';
import type { Bench } from './bench.ts';
import { measureBurst } from './burst.ts';
import { Buyer } from './buyer.ts';
import { measureLatency } from './latency.ts';
import { describeMachine } from './machine.ts';
import { observeNode } from './observe.ts';
import { measureRate } from './rate.ts';
import { RawSeller } from './raw.ts';
import { asJson, asTable } from './report.ts';
import type { Section } from './report.ts';
import { measureThroughput } from './throughput.ts';

const HELP = `npm run bench -- [options]

Measures the provider between two real lnd, with a backend that answers at once, against what the same nodes do without it
in the same run. Nothing is asserted: the exit code is 0 unless something did not work.

  --quick               a shorter run
  --only <names>        some of latency,throughput,rate,burst
  --json                JSON on a terminal too; in a pipe it is JSON anyway
  --profile <directory> leaves a CPU profile of the provider for each measurement (which makes it slower)
  --help                this text
`;

const names = ['latency', 'throughput', 'rate', 'burst'] as const;
type Name = (typeof names)[number];

const tell = (line: string): void => void process.stderr.write(`bench: ${line}\n`);

function options() {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', default: names.join(',') },
      json: { type: 'boolean', default: false },
      profile: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const only = values.only.split(',');
  const stranger = only.find((name) => !names.some((known) => known === name));
  if (stranger !== undefined) throw new Error(`--only takes ${names.join(', ')}; not "${stranger}"`);
  return { ...values, wanted: names.filter((name) => only.includes(name)) };
}

async function measure(bench: Bench, wanted: readonly Name[]): Promise<Section[]> {
  const sections: Section[] = [];
  for (const name of wanted) {
    tell(`${name} …`);
    if (name === 'latency') sections.push(await measureLatency(bench));
    if (name === 'throughput') sections.push(await measureThroughput(bench));
    if (name === 'rate') sections.push(await measureRate(bench));
    if (name !== 'burst') continue;
    const { section, failures } = await measureBurst(bench);
    sections.push(section);
    if (failures.length > 0) process.exitCode = 1;
    for (const why of new Set(failures)) tell(`a sale failed: ${why}`);
  }
  return sections;
}

async function main({
  quick,
  json,
  profile: profileDirectory,
  help,
  wanted,
}: ReturnType<typeof options>): Promise<void> {
  if (help) return void process.stdout.write(HELP);
  if (profileDirectory !== undefined) mkdirSync(profileDirectory, { recursive: true });
  await using rig = await startRig({ lnd: true, ollama: false, report: tell });
  const machine = await describeMachine(rig);
  observeNode();
  await using backend = await startStandIn();
  await using raw = await RawSeller.start(rig.seller);
  await using buyer = await Buyer.start(rig);
  const sections = await measure({ rig, backend, raw, buyer, quick, profileDirectory, tell }, wanted);
  const report = { machine, quick, sections };
  process.stdout.write(json || !process.stdout.isTTY ? asJson(report) : asTable(report));
}

function fail(text: string): void {
  process.stderr.write(`bench: ${text}\n`);
  process.exitCode = 1;
}

try {
  const chosen = options();
  await main(chosen).catch((error: unknown) => fail(inspect(error)));
} catch (error) {
  fail(error instanceof Error ? error.message : String(error));
}
