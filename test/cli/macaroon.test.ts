import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { LND_SELLER_METHODS } from '../../src/lightning/lnd/methods.ts';
import { ADMIN_PERMISSIONS, macaroonFor } from '../lightning/sample-macaroon.ts';

const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts');
const directory = mkdtempSync(join(tmpdir(), 'lcp-macaroon-'));
afterAll(() => rmSync(directory, { recursive: true }));

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}
const start = (args: readonly string[], more: Record<string, string> = {}): Promise<Ended> =>
  new Promise((resolve) => {
    const env = { PATH: process.env['PATH'] ?? '', HOME: directory, ...more };
    execFile(process.execPath, [main, ...args], { cwd: directory, env }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
const run = (...args: string[]): Promise<Ended> => start(['macaroon', ...args]);

describe('lcp-provider macaroon permissions', () => {
  test('prints the lncli command, ready to paste', async () => {
    const { code, stdout } = await run('permissions');
    expect(code).toBe(0);
    const words = stdout.replaceAll('\\\n', ' ').trim().split(/\s+/);
    const permissions = LND_SELLER_METHODS.map((method) => `uri:${method}`);
    expect(words).toEqual(['lncli', 'bakemacaroon', '--save_to', 'lcp-provider.macaroon', ...permissions]);
  });

  test('prints the permissions alone, for a command of your own', async () => {
    const { stdout } = await run('permissions', '--uris');
    expect(stdout).toBe(LND_SELLER_METHODS.map((method) => `uri:${method}\n`).join(''));
  });
});

describe('lcp-provider macaroon bake', () => {
  test('replaces no file unasked', async () => {
    const out = join(directory, 'kept.macaroon');
    writeFileSync(out, 'mine');
    const { code, stderr } = await run('bake', '--out', out);
    expect(stderr).toBe(`${out} is there already: --force replaces it, --out names another file\n`);
    expect(code).toBe(1);
    expect(readFileSync(out, 'utf8')).toBe('mine');
  });

  test("looks for lnd's own macaroon beside the one that an unfinished configuration names", async () => {
    const file = join(directory, 'unfinished.yaml');
    writeFileSync(file, 'enabled: true\nlightning:\n  lnd: { macaroon_path: keys/sell.macaroon }\nbackends: 7\n');
    const { code, stderr } = await run('bake', '--config', file);
    expect(stderr).toContain(`macaroon "${join(directory, 'keys', 'admin.macaroon')}"`);
    expect(code).toBe(4);
  });

  test('looks where it is told to, writes beside it, and tells of an lnd that is away in plain words', async () => {
    const admin = join(directory, 'elsewhere', 'admin.macaroon');
    mkdirSync(dirname(admin));
    const away = ['bake', '--socket', '127.0.0.1:9', '--admin-macaroon', admin];
    expect((await run(...away)).stderr).toContain('`lcp-provider macaroon bake --admin-macaroon FILE`');
    writeFileSync(admin, Buffer.from(macaroonFor(ADMIN_PERMISSIONS), 'hex'));
    expect((await run(...away)).stderr).toBe(
      'lnd at 127.0.0.1:9 does not answer (connect ECONNREFUSED 127.0.0.1:9): is it running, unlocked, and is the socket right?\n',
    );
    const out = join(directory, 'elsewhere', 'lcp-provider.macaroon');
    writeFileSync(out, 'mine');
    expect((await run(...away)).stderr).toContain(`${out} is there already`);
  });

  test('says what is wrong with what the configuration says of lnd', async () => {
    const file = join(directory, 'wrong.yaml');
    writeFileSync(file, 'lightning:\n  lnd: { soket: "x:1" }\n');
    const { code, stderr } = await run('bake', '--config', file);
    expect(stderr).toMatch(/wrong\.yaml:2:10: lightning\.lnd\.soket: unknown key.*did you mean socket\?/);
    expect(code).toBe(3);
  });
});

describe('lcp-provider serve', () => {
  test("refuses the admin macaroon that go-lcpd's environment names, before it asks lnd anything", async () => {
    const macaroonPath = join(directory, 'admin.macaroon');
    writeFileSync(macaroonPath, Buffer.from(macaroonFor(ADMIN_PERMISSIONS), 'hex'));
    const file = join(directory, 'go-lcpd.yaml');
    writeFileSync(file, 'enabled: true\nllm:\n  models: { "gpt-5.2": {} }\n');
    const { code, stdout, stderr } = await start(['serve', '--config', file], {
      LCPD_LND_RPC_ADDR: '127.0.0.1:9',
      LCPD_LND_ADMIN_MACAROON_PATH: macaroonPath,
    });
    expect(stderr).toContain(`the macaroon ${macaroonPath} allows more than selling needs`);
    expect(stderr).toContain('lcp-provider macaroon bake');
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
  });
});
