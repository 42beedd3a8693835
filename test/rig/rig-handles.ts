import type { BtcdCoordinates } from './btcd.ts';
import { btcctl } from './btcd.ts';
import { connectNodes } from './lightning-pair.ts';
import type { LndCoordinates } from './lnd.ts';
import { lncli } from './lnd.ts';
import type { OllamaCoordinates } from './ollama.ts';
import { poll } from './poll.ts';

/** Where everything of a running rig is: plain data, which survives JSON. */
export type RigCoordinates = {
  dir: string;
  /** Unix socket that takes the commands of `attachRig` from another process. */
  controlSocket: string;
  lightning?: { btcd: BtcdCoordinates; seller: LndCoordinates; buyer: LndCoordinates };
  ollama?: OllamaCoordinates;
};

export const partNames = ['btcd', 'seller', 'buyer', 'ollama'] as const;
/** What of a rig can be stopped and started by itself. */
export type PartName = (typeof partNames)[number];
/** `pid` only asks. */
export type Action = 'stop' | 'kill' | 'restart' | 'pid';
/** Does something to a part and promises its process id afterwards: undefined when it does not run. */
export type Control = (part: PartName, action: Action) => Promise<number | undefined>;

/** What can be done to every part; ports, keys and data stay the same throughout. */
export type PartHandle = {
  /** An orderly end. */
  stop(): Promise<void>;
  /** SIGKILL, to it and all it started; resolves when they are gone. */
  kill(): Promise<void>;
  /** Starts it, stopping it first if it runs; resolves when it serves (an lnd: when it has the chain's tip). */
  restart(): Promise<void>;
  /** Its process id, undefined when it does not run. */
  pid(): Promise<number | undefined>;
};

/** An lnd of the rig. */
export type LndHandle = LndCoordinates &
  PartHandle & {
    /** Runs lncli and promises what it printed, parsed where it is JSON; rejects with lncli's own message. */
    lncli(...args: string[]): Promise<unknown>;
  };

/** A running rig. Asking for a part that it was started without throws. */
export type Rig = {
  readonly coordinates: RigCoordinates;
  /** Without `kill`: a killed btcd forgets its latest blocks, and no lnd bears that. */
  readonly btcd: BtcdCoordinates & Omit<PartHandle, 'kill'>;
  readonly seller: LndHandle;
  readonly buyer: LndHandle;
  readonly ollama: OllamaCoordinates & PartHandle;
  /** Mines `blocks` blocks; resolves when both lnd, as far as they run, have them. */
  generate(blocks: number): Promise<void>;
  /** Resolves when the two lnd are connected and their channel is active on both sides, connecting them if need be. */
  connect(): Promise<void>;
  /** Starts whatever does not run, and connects: what a test that stops nodes leaves behind is put right. */
  heal(): Promise<void>;
};

function partHandle(part: PartName, control: Control): PartHandle {
  return {
    stop: async () => void (await control(part, 'stop')),
    kill: async () => void (await control(part, 'kill')),
    restart: async () => void (await control(part, 'restart')),
    pid: () => control(part, 'pid'),
  };
}

function present<T>(part: T | undefined, name: string): T {
  if (part === undefined) throw new Error(`This rig was started without ${name}`);
  return part;
}

/** The handles upon a rig that `control` commands. */
export function rigHandles(coordinates: RigCoordinates, control: Control): Rig {
  const { lightning } = coordinates;
  const lnd = (name: 'seller' | 'buyer', at: LndCoordinates): LndHandle => ({
    ...at,
    ...partHandle(name, control),
    lncli: (...args) => lncli(at, ...args),
  });
  const seller = lightning && lnd('seller', lightning.seller);
  const buyer = lightning && lnd('buyer', lightning.buyer);
  const btcd = lightning && { ...lightning.btcd, ...partHandle('btcd', control) };
  const ollama = coordinates.ollama && { ...coordinates.ollama, ...partHandle('ollama', control) };
  const rig: Rig = {
    coordinates,
    get btcd() {
      return present(btcd, 'Lightning');
    },
    get seller() {
      return present(seller, 'Lightning');
    },
    get buyer() {
      return present(buyer, 'Lightning');
    },
    get ollama() {
      return present(ollama, 'Ollama');
    },
    async generate(blocks) {
      await btcctl(rig.btcd, 'generate', String(blocks));
      const height = Number(await btcctl(rig.btcd, 'getblockcount'));
      for (const node of [rig.seller, rig.buyer]) {
        if ((await node.pid()) === undefined) continue;
        await poll(`block ${height} at ${node.dir}`, 60_000, async () => {
          const info = (await node.lncli('getinfo')) as { block_height: number; synced_to_chain: boolean };
          return info.synced_to_chain && info.block_height >= height;
        });
      }
    },
    connect: () => connectNodes(rig.seller, rig.buyer),
    async heal() {
      for (const part of [btcd, seller, buyer, ollama]) {
        if (part !== undefined && (await part.pid()) === undefined) await part.restart();
      }
      if (lightning === undefined) return;
      await rig.connect();
      await rig.buyer.lncli('resetmc'); // lnd remembers for long where payments failed, and finds no route there
    },
  };
  return rig;
}
