import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { cached } from './cache.ts';
import { runLogged } from './command.ts';
import { poll } from './poll.ts';

let work: string;
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'lcp-guard-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(work, { recursive: true });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A process that has ended but that nobody has asked about yet still takes signals.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** Runs a program in another Node process until it has written the file `told`, then kills that process with SIGKILL. */
async function killOnceTold(program: string, environment: NodeJS.ProcessEnv = {}): Promise<string> {
  const script = join(work, 'program.ts');
  const told = join(work, 'told');
  const importing = program.replaceAll('./', `${import.meta.dirname}/`);
  writeFileSync(script, `import { renameSync, writeFileSync } from 'node:fs';\n${importing}`);
  const env = { ...process.env, ...environment, TOLD: told };
  const child = spawn(process.execPath, [script], { stdio: 'inherit', env });
  const text = await poll('word from the program', 20_000, async () => existsSync(told) && readFileSync(told, 'utf8'));
  child.kill('SIGKILL');
  await once(child, 'exit');
  return text;
}

const tell = `const tell = (text: string) => {
  writeFileSync(process.env['TOLD'] + '.new', text);
  renameSync(process.env['TOLD'] + '.new', process.env['TOLD']!);
};`;

describe('what a process leaves behind when it is killed', () => {
  it('is no daemon, none of its descendants, and no temporary directory', async () => {
    const told = await killOnceTold(`
      import { readFileSync } from 'node:fs';
      import { Daemon } from './daemon.ts';
      import { temporaryDirectory } from './guard.ts';
      ${tell}
      const dir = temporaryDirectory();
      const pids = () => readFileSync(dir + '/log', 'utf8').trim();
      const args = ['-c', 'sleep 300 & echo $! $$; wait'];
      await new Daemon({ name: 'sh', command: 'sh', args, logFile: dir + '/log', ready: async () => pids() }).start();
      tell(dir + ' ' + pids());
      setInterval(() => undefined, 1000);`);
    const [dir = '', ...pids] = told.split(' ');
    expect(pids).toHaveLength(2);
    await poll('end of it all', 10_000, async () => !existsSync(dir) && !pids.some((pid) => isAlive(Number(pid))));
  });

  it('is no half-built part, which the next process builds from the beginning', async () => {
    const cache = join(work, 'cache');
    const pid = await killOnceTold(
      `
      import { cached } from './cache.ts';
      import { runLogged } from './command.ts';
      ${tell}
      const make = async (directory: string, logFile: string) => {
        writeFileSync(directory + '/half', '');
        const building = runLogged('sh', ['-c', 'echo $$ > ' + directory + '/pid; exec sleep 300'], { logFile });
        tell(String(process.pid));
        await building;
      };
      await cached({ name: 'thing', version: '1', make }, () => undefined);`,
      { LCP_RIG_CACHE: cache },
    );
    await poll('clean-up', 10_000, async () => !existsSync(join(cache, `thing-tmp-${pid}`)));
    vi.stubEnv('LCP_RIG_CACHE', cache);
    const make = async (directory: string) => writeFileSync(join(directory, 'whole'), '');
    const folder = await cached({ name: 'thing', version: '1', make }, () => undefined);
    expect(readdirSync(folder)).toEqual(['whole']);
  });
});

describe('a part that cannot be built', () => {
  it('is said with its name and the end of its log, and leaves nothing that looks built', async () => {
    vi.stubEnv('LCP_RIG_CACHE', work);
    const make = (_: string, logFile: string) => runLogged('sh', ['-c', 'echo no compiler; exit 3'], { logFile });
    const building = cached({ name: 'thing', version: '1', make }, () => undefined);
    await expect(building).rejects.toThrow(/could not build thing 1 [^]*exit 3[^]*no compiler/);
    expect(readdirSync(work).filter((entry) => entry.startsWith('thing-'))).toEqual([]);
  });
});
