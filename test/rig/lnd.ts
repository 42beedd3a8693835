import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { BtcdCoordinates } from './btcd.ts';
import { ask } from './command.ts';
import { Daemon } from './daemon.ts';
import type { PortRange } from './free-port.ts';
import { freePort } from './free-port.ts';
import { poll } from './poll.ts';

/** Where an lnd of the rig is: everything a client needs, and nothing that is lost on the way through JSON. */
export type LndCoordinates = {
  /** Its public key, 66 hex digits. */
  nodeId: string;
  /** host:port of its gRPC server. */
  grpcSocket: string;
  certPath: string;
  /** The admin macaroon. */
  macaroonPath: string;
  dir: string;
  p2pPort: number;
  lncliPath: string;
};

const syncedWithinMs = 60_000;

/** Runs lncli against a node and promises what it printed, parsed where it is JSON; rejects with lncli's own message. */
export async function lncli(at: Omit<LndCoordinates, 'nodeId'>, ...args: string[]): Promise<unknown> {
  const [macaroon, cert] = [`--macaroonpath=${at.macaroonPath}`, `--tlscertpath=${at.certPath}`];
  const common = ['--network=simnet', `--lnddir=${at.dir}`, `--rpcserver=${at.grpcSocket}`, macaroon, cert];
  const out = await ask(at.lncliPath, [...common, ...args]);
  try {
    return JSON.parse(out) as unknown;
  } catch {
    return out.trim();
  }
}

/** One lnd on simnet; its ports and data stay the same over every restart. */
export class Lnd {
  readonly place: Omit<LndCoordinates, 'nodeId'>;
  readonly #daemon: Daemon;
  #nodeId: string | undefined;

  private constructor(place: Omit<LndCoordinates, 'nodeId'>, daemon: Daemon) {
    this.place = place;
    this.#daemon = daemon;
  }

  /** `folder` is that of `lndPart`; `dir` keeps its data and need not exist. */
  static async at(folder: string, dir: string, alias: string, btcd: BtcdCoordinates, range: PortRange): Promise<Lnd> {
    const [p2pPort, grpcPort] = [await freePort(range), await freePort(range)];
    const place = {
      grpcSocket: `127.0.0.1:${grpcPort}`,
      certPath: join(dir, 'tls.cert'),
      macaroonPath: join(dir, 'data', 'chain', 'bitcoin', 'simnet', 'admin.macaroon'),
      dir,
      p2pPort,
      lncliPath: join(folder, 'bin', 'lncli'),
    };
    mkdirSync(dir, { recursive: true });
    const args = [
      `--lnddir=${dir}`,
      `--alias=${alias}`,
      `--listen=127.0.0.1:${p2pPort}`,
      `--externalip=127.0.0.1:${p2pPort}`, // so that the other node finds it again by itself
      `--rpclisten=${place.grpcSocket}`,
      '--norest',
      '--nobootstrap',
      '--noseedbackup',
      '--bitcoin.simnet',
      '--bitcoin.node=btcd',
      '--bitcoin.defaultchanconfs=1',
      `--btcd.rpchost=${btcd.rpcSocket}`,
      '--btcd.rpcuser=rig',
      '--btcd.rpcpass=rig',
      `--btcd.rpccert=${btcd.certPath}`,
      '--trickledelay=50',
      '--minbackoff=200ms',
      '--maxbackoff=1s',
      '--accept-keysend',
      '--tlsautorefresh', // a kept set-up may be older than its certificate lives
    ];
    const daemon = new Daemon({
      name: `lnd ${alias}`,
      command: join(folder, 'bin', 'lnd'),
      args,
      logFile: join(dir, 'output.log'),
      ready: async () => ((await lncli(place, 'state')) as { state: string }).state === 'SERVER_ACTIVE',
      askEveryMs: 150, // lnd's start is two seconds of computing, which every lncli slows down
    });
    return new Lnd(place, daemon);
  }

  get pid(): number | undefined {
    return this.#daemon.pid;
  }

  /** Only after the first start. */
  get coordinates(): LndCoordinates {
    if (this.#nodeId === undefined) throw new Error('lnd has not been started yet');
    return { nodeId: this.#nodeId, ...this.place };
  }

  lncli(...args: string[]): Promise<unknown> {
    return lncli(this.place, ...args);
  }

  /** Starts it without waiting; the wallet is usable once `untilWallet` resolves, which needs no chain. */
  launch(): void {
    this.#daemon.launch();
  }

  async untilWallet(): Promise<void> {
    await poll(`wallet of ${this.place.dir}`, syncedWithinMs, async () => {
      const { state } = (await this.lncli('state')) as { state: string };
      return state === 'RPC_ACTIVE' || state === 'SERVER_ACTIVE';
    });
  }

  /** Resolves once it serves everything and has the chain's tip; needs a block not older than two hours. */
  async start(): Promise<void> {
    await this.#daemon.start();
    const info = await poll(`synced_to_chain of ${this.place.dir}`, syncedWithinMs, async () => {
      const answer = (await this.lncli('getinfo')) as { synced_to_chain: boolean; identity_pubkey: string };
      return answer.synced_to_chain && answer;
    });
    this.#nodeId = info.identity_pubkey;
  }

  async stop(): Promise<void> {
    await this.#daemon.stop();
  }

  async kill(): Promise<void> {
    await this.#daemon.kill();
  }
}
