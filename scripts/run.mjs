// Runs a script of this repository on Node >= 24, whatever Node started it (>= 18):
//   node scripts/run.mjs src/main.ts demo       a TypeScript file, run by Node itself
//   node scripts/run.mjs --bin vitest run       the bin of an installed package
// Installs the dependencies when they are missing; fetches a Node 24 into tools/node24 only when the running one is older.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const windows = process.platform === 'win32';

function npmCi(directory, why) {
  process.stderr.write(`${why}\n`);
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
  const cli = process.env.npm_execpath; // set by `npm run`
  const run = cli?.endsWith('.js')
    ? spawnSync(process.execPath, [cli, ...args], { cwd: directory, stdio: ['ignore', 2, 'inherit'] })
    : spawnSync('npm', args, { cwd: directory, stdio: ['ignore', 2, 'inherit'], shell: windows });
  if (run.status !== 0) {
    process.stderr.write(`npm ci failed in ${directory} (exit ${run.status}). Is the npm registry reachable?\n`);
    process.exit(run.status || 1);
  }
}

/** Stale when never installed, or when the lock file is newer than the installed tree. */
function isStale(directory) {
  const installed = join(directory, 'node_modules', '.package-lock.json');
  return !existsSync(installed) || statSync(join(directory, 'package-lock.json')).mtimeMs > statSync(installed).mtimeMs;
}

function findNode() {
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  const directory = join(root, 'tools', 'node24');
  const platform = windows ? 'win' : process.platform;
  const prefix = process.platform === 'darwin' && process.arch === 'arm64' ? 'node-bin' : 'node';
  const binary = join(
    directory,
    'node_modules',
    `${prefix}-${platform}-${process.arch}`,
    'bin',
    windows ? 'node.exe' : 'node',
  );
  if (!existsSync(binary))
    npmCi(directory, `Node ${process.version} is older than 24: fetching Node 24 into tools/node24, once (52 MB) …`);
  if (existsSync(binary)) return binary;
  process.stderr.write(
    `No Node 24 package for ${process.platform}-${process.arch}: install Node 24 or newer and run this again.\n`,
  );
  process.exit(1);
}

function binOf(name) {
  const packages = { tsc: 'typescript' };
  const directory = join(root, 'node_modules', packages[name] ?? name);
  const { bin } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
  return join(directory, typeof bin === 'string' ? bin : bin[name]);
}

if (isStale(root)) npmCi(root, 'Installing the dependencies, once …');
const node = findNode();
const [first, ...rest] = process.argv.slice(2);
const args = first === '--bin' ? [binOf(rest[0]), ...rest.slice(1)] : [join(root, first), ...rest];
const child = spawn(node, args, {
  stdio: 'inherit',
  env: { ...process.env, PATH: dirname(node) + delimiter + process.env.PATH },
});
// Ctrl-C reaches the whole foreground group by itself: forwarding it would make two of it.
process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
// npm that is killed does not tell its children: an orphan ends as if it had been told.
const parent = process.ppid;
setInterval(() => process.ppid !== parent && child.kill('SIGTERM'), 1000).unref();
child.on('error', (error) => {
  process.stderr.write(`${node} could not be started: ${error.message}\n`);
  process.exit(1);
});
child.on('exit', (code, signal) =>
  process.exit(signal ? 128 + ({ SIGINT: 2, SIGKILL: 9, SIGTERM: 15 }[signal] ?? 1) : code),
);
