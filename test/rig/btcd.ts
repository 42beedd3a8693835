import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ask } from './command.ts';
import { Daemon } from './daemon.ts';
import type { PortRange } from './free-port.ts';
import { freePort } from './free-port.ts';

/** What lnd and btcctl need to reach btcd; btcd's user and password are both "rig". */
export type BtcdCoordinates = { dir: string; rpcSocket: string; certPath: string; btcctlPath: string };

/** Runs btcctl and promises what it printed, parsed where it is JSON. */
export async function btcctl(at: BtcdCoordinates, ...args: string[]): Promise<unknown> {
  const login = [
    '--simnet',
    '--rpcuser=rig',
    '--rpcpass=rig',
    `--rpcserver=${at.rpcSocket}`,
    `--rpccert=${at.certPath}`,
  ];
  const out = await ask(at.btcctlPath, [`--configfile=${join(at.dir, 'empty.conf')}`, ...login, ...args]);
  try {
    return JSON.parse(out) as unknown;
  } catch {
    return out.trim();
  }
}

/** A private chain: btcd in simnet mode, which mines only on demand. */
export class Btcd {
  readonly coordinates: BtcdCoordinates;
  #bin: string;
  #daemon: Daemon | undefined;
  #miningAddress: string | undefined;

  private constructor(bin: string, coordinates: BtcdCoordinates) {
    this.#bin = bin;
    this.coordinates = coordinates;
  }

  /** `folder` is that of `btcdPart`; `dir` keeps its data and need not exist. */
  static async at(folder: string, dir: string, range: PortRange): Promise<Btcd> {
    const bin = join(folder, 'bin');
    const rpcSocket = `127.0.0.1:${await freePort(range)}`;
    const btcctlPath = join(bin, 'btcctl');
    return new Btcd(bin, { dir, rpcSocket, certPath: join(dir, 'rpc.cert'), btcctlPath });
  }

  get pid(): number | undefined {
    return this.#daemon?.pid;
  }

  /** Starts it, or restarts it. What it mines goes to `miningAddress`, by default the one given before. */
  async start(miningAddress = this.#miningAddress): Promise<void> {
    this.#miningAddress = miningAddress;
    const { dir, rpcSocket, certPath } = this.coordinates;
    await this.stop();
    mkdirSync(dir, { recursive: true });
    const emptyConfig = join(dir, 'empty.conf'); // else btcd reads, or writes, one in the home directory
    if (!existsSync(emptyConfig)) writeFileSync(emptyConfig, '');
    const args = [
      '--simnet',
      '--txindex',
      '--nolisten',
      '--rpcuser=rig',
      '--rpcpass=rig',
      `--rpclisten=${rpcSocket}`,
      `--rpccert=${certPath}`,
      `--rpckey=${join(dir, 'rpc.key')}`,
      `--datadir=${join(dir, 'data')}`,
      `--logdir=${join(dir, 'logs')}`,
      `--configfile=${emptyConfig}`,
    ];
    if (miningAddress !== undefined) args.push(`--miningaddr=${miningAddress}`);
    this.#daemon = new Daemon({
      name: 'btcd',
      command: join(this.#bin, 'btcd'),
      args,
      logFile: join(dir, 'output.log'),
      ready: () => btcctl(this.coordinates, 'getblockcount').then(() => true),
    });
    await this.#daemon.start();
  }

  /** Mines `blocks` blocks and promises once they are the chain's tip. */
  async generate(blocks: number): Promise<void> {
    await btcctl(this.coordinates, 'generate', String(blocks));
  }

  async stop(): Promise<void> {
    await this.#daemon?.stop();
  }

  /** Ends it at once. It forgets its latest blocks, which no lnd survives: only for a rig that is thrown away. */
  async kill(): Promise<void> {
    await this.#daemon?.kill();
  }
}
