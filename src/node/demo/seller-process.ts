import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { beside } from '../../program/beside.ts';

/** What `serve` says on its standard output when it is ready. */
export interface SellerReady {
  readonly node_id: string;
  readonly address: string;
  readonly models: readonly string[];
}

export interface SellerProcess extends SellerReady {
  readonly pid: number;
  /** SIGTERM; resolves when the process has ended. */
  stop(): Promise<void>;
}

/** The program as this process was started: from source or from dist/. */
const program = fileURLToPath(beside(import.meta.url, '../../main'));

/** Starts `lcp-provider serve` in a process of its own, with its own data directory, exactly as an operator would. */
export async function startSeller(directory: string, config: object): Promise<SellerProcess> {
  const path = join(directory, 'config.yaml');
  await writeFile(path, `${JSON.stringify(config, null, 2)}\n`); // JSON is YAML
  const child = spawn(process.execPath, [program, 'serve', '--config', path], { stdio: ['ignore', 'pipe', 'pipe'] });
  // The demo's end is the seller's end, however it comes.
  process.on('exit', () => child.kill('SIGKILL'));
  const ready = await whenReady(child);
  const { pid } = child;
  if (pid === undefined) throw new Error('the seller process has no id');
  return {
    ...ready,
    pid,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      child.kill('SIGTERM');
      await ended;
    },
  };
}

function whenReady(child: ChildProcess): Promise<SellerReady> {
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error('the seller process has no output');
  let complaints = '';
  stderr.setEncoding('utf8').on('data', (text: string) => (complaints = (complaints + text).slice(-4_000)));
  return new Promise((resolve, reject) => {
    createInterface({ input: stdout }).once('line', (line) => resolve(JSON.parse(line) as SellerReady));
    child.once('error', reject);
    child.once('exit', (code) =>
      reject(new Error(`the seller ended before it was ready (exit ${code}):\n${complaints}`)),
    );
  });
}
