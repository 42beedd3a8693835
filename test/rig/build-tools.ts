import { ask, runLogged } from './command.ts';

type Tool = { name: string; check: readonly [string, ...string[]]; debian: readonly string[] | undefined };

const tools = {
  // Debian's Go is too old for lnd and Ollama; any Go since 1.21 fetches the one that a module asks for.
  go: { name: 'Go (1.21 or newer)', check: ['go', 'version'], debian: undefined },
  gcc: { name: 'gcc', check: ['gcc', '--version'], debian: ['gcc', 'libc6-dev'] },
  gxx: { name: 'g++', check: ['g++', '--version'], debian: ['g++'] },
  make: { name: 'make', check: ['make', '--version'], debian: ['make'] },
  cmake: { name: 'cmake', check: ['cmake', '--version'], debian: ['cmake'] },
  python: {
    name: 'Python 3 with venv and pip',
    check: ['python3', '-c', 'import venv, ensurepip'],
    debian: ['python3', 'python3-venv', 'python3-pip'],
  },
} satisfies Record<string, Tool>;

/** A tool that building a part needs. */
export type ToolName = keyof typeof tools;

async function works(tool: Tool): Promise<boolean> {
  const [command, ...args] = tool.check;
  return ask(command, args).then(
    () => true,
    () => false,
  );
}

async function missingOf(names: readonly ToolName[]): Promise<Tool[]> {
  const missing: Tool[] = [];
  for (const name of names) if (!(await works(tools[name]))) missing.push(tools[name]);
  return missing;
}

/**
 * Sees to it that the tools are there: installs the missing ones with apt-get when that exists and we are root;
 * rejects with their names otherwise.
 */
export async function requireTools(names: readonly ToolName[], logFile: string): Promise<void> {
  const missing = await missingOf(names);
  if (missing.length === 0) return;
  const packages = missing.flatMap((tool) => tool.debian ?? []);
  const list = missing.map((tool) => tool.name).join(', ');
  const canInstall = process.getuid?.() === 0 && (await works({ name: '', check: ['apt-get', '-v'], debian: [] }));
  if (packages.length > 0 && canInstall) {
    const env = { DEBIAN_FRONTEND: 'noninteractive' };
    await runLogged('apt-get', ['update', '-q'], { logFile, env });
    await runLogged('apt-get', ['install', '-qy', '--no-install-recommends', ...packages], { logFile, env });
    const still = await missingOf(names);
    if (still.length === 0) return;
    throw new Error(`Missing on this machine, also after apt-get: ${still.map((tool) => tool.name).join(', ')}.`);
  }
  throw new Error(
    `Missing on this machine: ${list}.` +
      (packages.length > 0
        ? ` On Debian: apt-get install ${packages.join(' ')} (done by the rig itself for root).`
        : ''),
  );
}
