import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

interface Tarball {
  readonly files: readonly { readonly path: string; readonly mode: number; readonly size: number }[];
}

const root = join(import.meta.dirname, '..', '..');
const work = mkdtempSync(join(tmpdir(), 'lcp-pack-'));
/** A copy of the repository as an operator may have it: built, and with his own files in it. */
const project = join(work, 'project');
/** The package as npm would install it: below node_modules. */
const installed = join(work, 'node_modules', 'lcp-provider');
/** What an operator may have lying about, and what must never be published. */
const PRIVATE = [
  '.env',
  'config.yaml',
  'data/ledger.sqlite',
  'deploy/lnd/lcp-provider.macaroon',
  'lcp-provider-0.0.1.tgz',
  'log.log',
  'test/secret.test.ts',
];

function npm(directory: string, ...args: string[]): string {
  const cli = process.env['npm_execpath']; // set by `npm test`
  const env = { ...process.env, PATH: dirname(process.execPath) + delimiter + (process.env['PATH'] ?? '') };
  return cli?.endsWith('npm-cli.js')
    ? execFileSync(process.execPath, [cli, ...args], { cwd: directory, env, encoding: 'utf8', stdio: 'pipe' })
    : execFileSync('npm', args, {
        cwd: directory,
        env,
        encoding: 'utf8',
        stdio: 'pipe',
        shell: process.platform === 'win32',
      });
}

/** npm tells an array; from version 12 an object by package names. */
function packed(directory: string): Tarball {
  const told = JSON.parse(npm(directory, 'pack', '--dry-run', '--json', '--offline', '--ignore-scripts')) as
    readonly Tarball[] | Readonly<Record<string, Tarball>>;
  return Object.values(told)[0]!;
}

let files: Tarball['files'];
let paths: readonly string[];

beforeAll(() => {
  mkdirSync(project);
  for (const name of ['package.json', '.gitignore', '.npmrc', 'bin', 'pricing', 'src', 'deploy', 'config.example.yaml'])
    cpSync(join(root, name), join(project, name), { recursive: true });
  cpSync(join(root, 'config.schema.json'), join(project, 'config.schema.json'));
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const args = ['-p', join(root, 'tsconfig.build.json'), '--noCheck', '--outDir', join(project, 'dist')];
  execFileSync(process.execPath, [compiler, ...args], { stdio: 'pipe' });
  for (const path of PRIVATE) {
    mkdirSync(dirname(join(project, path)), { recursive: true });
    writeFileSync(join(project, path), 'secret');
  }
  ({ files } = packed(project));
  paths = files.map(({ path }) => path);

  for (const path of paths) cpSync(join(project, path), join(installed, path));
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { dependencies: object };
  for (const name of Object.keys(dependencies)) {
    mkdirSync(dirname(join(work, 'node_modules', name)), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), join(work, 'node_modules', name), 'junction');
  }
}, 60_000);
afterAll(() => rmSync(work, { recursive: true, force: true }));

const run = (...args: string[]) =>
  spawnSync(process.execPath, args, { cwd: work, encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } });
const bin = join(installed, 'bin', 'lcp-provider.mjs');

describe('the published package', () => {
  test('holds the compiled program, the price lists and the example, and nothing else', () => {
    const known =
      /^(?:package\.json|LICENSE|README\.md|bin\/lcp-provider\.mjs|config\.(?:example\.yaml|schema\.json)|dist\/[\w/.-]+\.js|pricing\/[\w-]+\.yaml)$/;
    expect(paths.filter((path) => !known.test(path))).toEqual([]);
    for (const path of ['bin/lcp-provider.mjs', 'config.example.yaml', 'config.schema.json', 'pricing/ollama.yaml'])
      expect(paths).toContain(path);
  });

  test('has one compiled file for each source file, and none without a source', () => {
    const sources = globSync('**/*.ts', { cwd: join(root, 'src') }).filter((path) => !path.endsWith('.d.ts'));
    const compiled = paths.filter((path) => path.startsWith('dist/'));
    expect(compiled.toSorted()).toEqual(sources.map((path) => `dist/${path.replace(/\.ts$/, '.js')}`).toSorted());
  });

  test('holds nothing of what an operator keeps in the same folder', () => {
    expect(paths.filter((path) => PRIVATE.includes(path) || basename(path).startsWith('.env'))).toEqual([]);
  });

  test('can be executed', () => {
    expect(readFileSync(bin, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
    const mode = files.find(({ path }) => path === 'bin/lcp-provider.mjs')?.mode ?? 0;
    expect(mode & 0o111).toBe(0o111);
  });

  test('every neighbour that is named by a path, such as the file of a worker, is there as JavaScript', () => {
    const missing = paths
      .filter((path) => path.startsWith('dist/'))
      .flatMap((path) => {
        const text = readFileSync(join(installed, path), 'utf8');
        const named = [...text.matchAll(/(['"])(\.{1,2}\/[\w/.-]+\.js)\1/g)].map((match) => match[2] ?? '');
        return named.map((name) => join(dirname(path), name).replaceAll('\\', '/'));
      })
      .filter((path) => !paths.includes(path));
    expect(missing).toEqual([]);
  });
});

describe('installed below node_modules, where Node runs no TypeScript', () => {
  test('it tells its version', () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    expect(run(bin, '--version')).toMatchObject({ status: 0, stdout: `${version}\n`, stderr: '' });
  });

  test('it tells how it is used', () => {
    const { status, stdout, stderr } = run(bin, '--help');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/serve[\s\S]*demo/);
  });

  test('it has the example configuration and can load it, price lists included', () => {
    const load = `import { loadConfig } from ${JSON.stringify(join(installed, 'dist/config/load.js'))};
      const { config, warnings } = loadConfig({ path: ${JSON.stringify(join(installed, 'config.example.yaml'))}, env: {} });
      console.log(JSON.stringify({ lists: config.pricing.lists.length > 0, warnings }));`;
    const { stdout, stderr } = run('--input-type=module', '--eval', load);
    expect({ stdout, stderr }).toEqual({ stdout: '{"lists":true,"warnings":[]}\n', stderr: '' });
  });

  test('its worker starts: a ledger opens and closes', () => {
    const open = `import { openSqliteLedger } from ${JSON.stringify(join(installed, 'dist/ledger/sqlite-ledger.js'))};
      import { systemClock } from ${JSON.stringify(join(installed, 'dist/clock/clock.js'))};
      const ledger = await openSqliteLedger({ path: ${JSON.stringify(join(work, 'ledger.sqlite'))}, clock: systemClock });
      await ledger.close();`;
    expect(run('--input-type=module', '--eval', open)).toMatchObject({ status: 0, stdout: '', stderr: '' });
  });

  test('an old Node gets one clear sentence', () => {
    const old = `data:text/javascript,Object.defineProperty(process,'versions',{value:{node:'20.19.0'}});Object.defineProperty(process,'version',{value:'v20.19.0'})`;
    const { status, stdout, stderr } = run('--import', old, bin, '--version');
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(/^lcp-provider needs Node 24 or newer; this is v20\.19\.0\.[^\n]*\n$/);
  });
});
