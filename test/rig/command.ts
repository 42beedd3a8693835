import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { guardGroup, releaseGroup, signalGroup } from './guard.ts';

/** The last `count` lines of a log file, or why it cannot be read. */
export function lastLines(file: string, count: number): string {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-count).join('\n');
  } catch (error) {
    return `(${String(error)})`;
  }
}

/** Where a command's output goes, and what it runs with. */
export type CommandOptions = { logFile: string; cwd?: string; env?: NodeJS.ProcessEnv };

/**
 * Runs a command to its end, its output appended to `logFile`. Rejects when it cannot be started or ends with anything
 * but 0, with the last lines of the log. It and all it starts are killed when this process ends.
 */
export async function runLogged(command: string, args: readonly string[], options: CommandOptions): Promise<void> {
  const log = openSync(options.logFile, 'a');
  try {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', log, log],
      detached: true,
    });
    const { pid } = child;
    if (pid !== undefined) guardGroup(pid);
    const outcome = await new Promise<string | undefined>((resolve) => {
      child.once('error', (error) => resolve(`could not be started: ${error.message}`));
      child.once('exit', (code, signal) => resolve(code === 0 ? undefined : `ended with ${signal ?? `exit ${code}`}`));
    });
    if (pid !== undefined) {
      signalGroup(pid, 'SIGKILL'); // what a failed build tool left running
      releaseGroup(pid);
    }
    if (outcome === undefined) return;
    throw new Error(
      `${command} ${args.join(' ')}\n  ${outcome}. Last lines of ${options.logFile}:\n${lastLines(options.logFile, 30)}`,
    );
  } finally {
    closeSync(log);
  }
}

/** Runs a short command and promises what it printed; rejects with what it said on standard error. */
export async function ask(command: string, args: readonly string[], cwd?: string): Promise<string> {
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const failure = await new Promise<string | undefined>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(code === 0 ? undefined : (signal ?? `exit ${code}`)));
  });
  if (failure === undefined) return out;
  throw new Error(`${command} ${args.join(' ')}: ${failure} ${err.trim()}`);
}
