import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { guardDirectory, releaseDirectory } from './guard.ts';
import { withLock } from './lock.ts';

/** Told one line at a time what is going on. */
export type Report = (line: string) => void;

/** Something that is made once and kept in the cache. */
export type Part = {
  name: string;
  /** A different version is a different folder. */
  version: string;
  /** Fills the empty folder `directory`; what it prints goes to `logFile`. */
  make: (directory: string, logFile: string) => Promise<void>;
};

const announceEveryMs = 30_000;

/** The folder that keeps what was built: LCP_RIG_CACHE, else below XDG_CACHE_HOME, else below ~/.cache. */
export function cacheRoot(): string {
  const own = process.env['LCP_RIG_CACHE'];
  return resolve(own || join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'lcp-provider-rig'));
}

function folderOf(part: Part): string {
  return join(cacheRoot(), `${part.name}-${part.version}-${process.platform}-${process.arch}`);
}

/** True: `cached` has nothing to make. */
export const isCached = (part: Part): boolean => existsSync(folderOf(part));

async function withProgress<T>(what: string, report: Report, work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const elapsed = () => `${Math.round((performance.now() - start) / 1000)} s`;
  report(`${what} …`);
  const timer = setInterval(() => report(`${what} … ${elapsed()}`), announceEveryMs);
  try {
    const result = await work();
    report(`${what}: done in ${elapsed()}`);
    return result;
  } catch (error) {
    report(`${what}: FAILED after ${elapsed()}`);
    throw error;
  } finally {
    clearInterval(timer);
  }
}

/**
 * Promises the folder that holds `part`, making it first if it is not there. Made in a temporary folder and renamed at the
 * end, so that a folder with the final name is always whole; a lock lets one process at a time make a part.
 */
export async function cached(part: Part, report: Report): Promise<string> {
  const folder = folderOf(part);
  if (existsSync(folder)) return folder;
  const logs = join(cacheRoot(), 'logs');
  mkdirSync(logs, { recursive: true });
  const title = `${part.name} ${part.version}`;
  const onWait = () => report(`${title}: another process is making it, waiting …`);
  return withLock(join(cacheRoot(), `${part.name}.lock`), onWait, async () => {
    if (existsSync(folder)) return folder;
    for (const left of readdirSync(cacheRoot())) {
      // Only the holder of this lock makes such folders, so any that exists was interrupted.
      if (left.startsWith(`${part.name}-tmp-`)) rmSync(join(cacheRoot(), left), { recursive: true, force: true });
    }
    const unfinished = join(cacheRoot(), `${part.name}-tmp-${process.pid}`);
    mkdirSync(unfinished);
    guardDirectory(unfinished);
    const logFile = join(logs, `${part.name}.log`);
    rmSync(logFile, { force: true });
    try {
      await withProgress(`building ${title}`, report, () => part.make(unfinished, logFile));
      renameSync(unfinished, folder);
    } catch (error) {
      rmSync(unfinished, { recursive: true, force: true });
      throw new Error(`The rig could not build ${title} (log: ${logFile}).\n${String(error)}`, { cause: error });
    } finally {
      releaseDirectory(unfinished);
    }
    return folder;
  });
}
