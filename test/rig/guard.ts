import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';

let watchdog: Writable | undefined;

function tell(line: string): void {
  if (watchdog === undefined) {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'watchdog.ts')], {
      detached: true, // a session of its own: a Ctrl-C at the terminal must not end it before us
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    child.unref();
    if ('unref' in child.stdin && typeof child.stdin.unref === 'function') child.stdin.unref();
    child.stdin.on('error', () => (watchdog = undefined));
    watchdog = child.stdin;
  }
  watchdog.write(`${line}\n`);
}

/** From now on the process group `pid` (a child spawned with `detached: true`) is killed when this process ends, also by SIGKILL. */
export function guardGroup(pid: number): void {
  tell(`+group ${pid}`);
}

/** The process group is gone: its number may soon be somebody else's. */
export function releaseGroup(pid: number): void {
  tell(`-group ${pid}`);
}

/** Sends `signal` to every process of the group; false when there is none left. */
export function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** From now on `directory` is deleted when this process ends, however it ends. */
export function guardDirectory(directory: string): void {
  tell(`+dir ${directory}`);
}

/** Keeps a guarded directory after all (it was renamed to where it stays, or deleted). */
export function releaseDirectory(directory: string): void {
  tell(`-dir ${directory}`);
}

/** A new, empty directory that is gone when this process is gone. */
export function temporaryDirectory(prefix = 'lcp-rig-'): string {
  const directory = mkdtempSync(join(tmpdir(), prefix));
  guardDirectory(directory);
  return directory;
}

/** Deletes a guarded directory now. */
export function removeDirectory(directory: string): void {
  rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  releaseDirectory(directory);
}
