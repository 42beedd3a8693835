import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { requireTools } from './build-tools.ts';
import type { Part } from './cache.ts';
import { ask, runLogged } from './command.ts';
import { versions } from './versions.ts';

type GoBuild = {
  module: string;
  version: string;
  packages: readonly string[];
  tags?: string;
  ldflags?: string;
  env?: NodeJS.ProcessEnv;
  into: string;
  logFile: string;
};

/**
 * Builds programs of a Go module inside the module cache, as its own main module: so its `replace` lines count (which
 * `go install module@version` refuses) and its own go.sum checks every download.
 */
export async function goBuild(build: GoBuild): Promise<void> {
  await requireTools(['go', 'gcc'], build.logFile);
  const download = await ask('go', ['mod', 'download', '-json', `${build.module}@${build.version}`]);
  const { Dir: source } = JSON.parse(download) as { Dir: string };
  mkdirSync(build.into, { recursive: true });
  const flags = ['-trimpath', '-buildvcs=false', `-ldflags=-s -w ${build.ldflags ?? ''}`];
  if (build.tags !== undefined) flags.push('-tags', build.tags);
  const args = ['build', ...flags, '-o', `${build.into}/`, ...build.packages];
  // GOFLAGS of the caller could hold -mod=mod, which would try to write to the module cache.
  await runLogged('go', args, {
    cwd: source,
    logFile: build.logFile,
    env: { ...build.env, GOFLAGS: '', GOWORK: 'off' },
  });
}

/** lnd and lncli, with every sub-server that the product or a test calls. */
export const lndPart: Part = {
  name: 'lnd',
  version: versions.lnd,
  make: (directory, logFile) =>
    goBuild({
      module: 'github.com/lightningnetwork/lnd',
      version: `v${versions.lnd}`,
      packages: ['./cmd/lnd', './cmd/lncli'],
      tags: 'signrpc walletrpc chainrpc invoicesrpc routerrpc peersrpc',
      into: join(directory, 'bin'),
      logFile,
    }),
};

/** btcd, the chain of the rig, and btcctl. */
export const btcdPart: Part = {
  name: 'btcd',
  version: versions.btcd,
  make: (directory, logFile) =>
    goBuild({
      module: 'github.com/btcsuite/btcd',
      version: `v${versions.btcd}`,
      packages: ['.', './cmd/btcctl'],
      into: join(directory, 'bin'),
      logFile,
    }),
};
