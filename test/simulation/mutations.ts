import { spawn } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BUGS } from './bugs.ts';
import type { Bug, Patch } from './bugs.ts';
import type { SeriesReport } from './series.ts';

export interface MutationFound {
  readonly name: string;
  /** Runs until it was found, or until nobody looked any further. */
  readonly seeds: number;
  /** Undefined: it survived. */
  readonly law: string | undefined;
}

export interface MutationOptions {
  /** Runs at most, for each bug. */
  readonly seeds: number;
  /** Of these names only. Default: all. */
  readonly only?: readonly string[];
  readonly onMutation?: (done: number, all: number, name: string) => void;
}

const ROOT = join(import.meta.dirname, '..', '..');
const JOBS = 30;

/** Puts each bug into a copy of the product and lets the simulator look for it: a simulator that finds no bugs proves nothing. */
export async function findMutations({ seeds, only, onMutation }: MutationOptions): Promise<MutationFound[]> {
  const bugs = BUGS.filter(({ name }) => only?.includes(name) ?? true);
  const directory = await mkdtemp(join(tmpdir(), 'lcp-mutations-'));
  const found: MutationFound[] = [];
  try {
    for (const path of ['src', 'test/simulation', 'test/harness', 'package.json'])
      await cp(join(ROOT, path), join(directory, path), { recursive: true });
    await symlink(join(ROOT, 'node_modules'), join(directory, 'node_modules'), 'junction');
    for (const [index, bug] of bugs.entries()) {
      onMutation?.(index, bugs.length, bug.name);
      found.push(await findBug(directory, bug, seeds));
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
  return found;
}

async function findBug(directory: string, bug: Bug, seeds: number): Promise<MutationFound> {
  const { name, mode = 'mixed', also = [] } = bug;
  const sound = new Map<string, string>();
  try {
    for (const patch of [bug, ...also]) {
      const path = join(directory, patch.file);
      const text = await readFile(path, 'utf8');
      sound.set(path, text);
      await writeFile(path, infect(text, name, patch));
    }
    const main = join(directory, 'test', 'simulation', 'main.ts');
    const report = await runJson<SeriesReport>([
      main,
      '--seeds',
      String(seeds),
      '--jobs',
      String(JOBS),
      '--mode',
      mode,
      '--stop',
    ]);
    return { name, seeds: report.seeds, law: report.failures[0]?.law };
  } finally {
    for (const [path, text] of sound) await writeFile(path, text);
  }
}

/** Throws when the code that a bug would change is not there any more, once for each change. */
export function infect(text: string, name: string, { changes }: Patch): string {
  return changes.reduce((changed, [from, to]) => {
    if (changed.split(from).length !== 2) throw new Error(`the bug "${name}" does not fit the code any more: ${from}`);
    return changed.replace(from, () => to);
  }, text);
}

function runJson<Report>(args: readonly string[]): Promise<Report> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      try {
        resolve(JSON.parse(text) as Report);
      } catch {
        reject(new Error(`the simulator ended with code ${code} and told nothing`));
      }
    });
  });
}
