import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

// Each test starts processes, on machines that are busy.
vi.setConfig({ testTimeout: 60_000 });
const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts');
const CONFIG = `enabled: true
lightning: { driver: embedded, embedded: { listen: "127.0.0.1:0" } }
backends: [{ name: play, driver: demo }]
llm: { estimator: bytes, models: { demo: { price: { request_msat: 5000 } } } }
health: { listen: "127.0.0.1:0" }
log: { pretty: false }
`;
let directory: string;
let child: ChildProcess;
let text: string;
let come: (() => void) | undefined;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lcp-serve-'));
  await writeFile(join(directory, 'config.yaml'), CONFIG);
  text = '';
});
afterEach(async () => {
  child.kill('SIGKILL');
  await rm(directory, { recursive: true, force: true });
});

function start(command: string, ...args: string[]): void {
  child = spawn(command, args, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (part: Buffer) => {
      text += part.toString();
      come?.();
    });
}
async function told(what: string): Promise<void> {
  const more = () => new Promise<void>((resolve) => (come = resolve));
  while (!text.includes(what)) await more();
}
const ended = async (): Promise<number | null> => (await once(child, 'close'))[0] as number | null;
const hasScript = spawnSync('script', ['--version']).stdout?.toString().includes('util-linux') ?? false;

describe('lcp-provider serve', () => {
  test('reads the configuration anew on SIGHUP where it runs without a terminal, and drains on SIGTERM', async () => {
    start(process.execPath, main, 'serve');
    await told('"event":"ready"');
    await writeFile(join(directory, 'config.yaml'), CONFIG.replace('5000', 'much'));
    child.kill('SIGHUP');
    await told('the new prices are not taken');
    child.kill('SIGTERM');
    expect(await ended()).toBe(0);
    expect(text).toContain('"signal":"SIGTERM"');
  });

  test.runIf(hasScript)('drains when the terminal that it runs on is closed', async () => {
    const serve = `echo pid=$$; exec '${process.execPath}' '${main}' serve`;
    start('script', '--quiet', '--return', '--command', serve, '/dev/null');
    await told('/healthz');
    const pid = Number(/pid=(\d+)/.exec(text)?.[1]);
    process.kill(pid, 'SIGHUP');
    await told('"signal":"SIGHUP"');
    expect(await ended()).toBe(0);
  });
});
