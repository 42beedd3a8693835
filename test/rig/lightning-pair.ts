import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Btcd } from './btcd.ts';
import type { LightningParts } from './build.ts';
import type { Part, Report } from './cache.ts';
import { cached } from './cache.ts';
import type { PortRange } from './free-port.ts';
import type { LndCoordinates } from './lnd.ts';
import { Lnd } from './lnd.ts';
import { poll } from './poll.ts';
import { versions } from './versions.ts';

/** The one channel of the rig, opened by the buyer: both sides can pay about 8 million sat. */
export const channel = { capacitySat: 16_000_000, pushedSat: 8_000_000 } as const;

const blocksForMaturity = 400; // coinbase matures after 100; segwit is active from 300 on
const withinMs = 60_000;

/** One chain and two lnd on it, `seller` and `buyer`. */
export type LightningPair = { btcd: Btcd; seller: Lnd; buyer: Lnd };

/** An lnd that commands can be given to. */
export type ReachableLnd = LndCoordinates & { lncli: (...args: string[]) => Promise<unknown> };

async function pairAt(parts: LightningParts, dir: string, range: PortRange): Promise<LightningPair> {
  const btcd = await Btcd.at(parts.btcd, join(dir, 'btcd'), range);
  const seller = await Lnd.at(parts.lnd, join(dir, 'seller'), 'seller', btcd.coordinates, range);
  const buyer = await Lnd.at(parts.lnd, join(dir, 'buyer'), 'buyer', btcd.coordinates, range);
  return { btcd, seller, buyer };
}

/** Connects the two nodes if they are not, and resolves once both say that their channel is active. */
export async function connectNodes(seller: ReachableLnd, buyer: ReachableLnd): Promise<void> {
  await poll('connection between the nodes', withinMs, async () => {
    const { peers } = (await buyer.lncli('listpeers')) as { peers: { pub_key: string }[] };
    if (peers.some((peer) => peer.pub_key === seller.nodeId)) return true;
    await buyer.lncli('connect', `${seller.nodeId}@127.0.0.1:${seller.p2pPort}`);
    return false;
  });
  await Promise.all(
    [seller, buyer].map((lnd) =>
      poll(`active channel at ${lnd.dir}`, withinMs, async () => {
        const { channels } = (await lnd.lncli('listchannels', '--active_only')) as { channels: unknown[] };
        return channels.length > 0;
      }),
    ),
  );
}

function reachable(lnd: Lnd): ReachableLnd {
  return { ...lnd.coordinates, lncli: (...args) => lnd.lncli(...args) };
}

/** `connectNodes`, for a pair that this process started. */
export async function connectPair({ seller, buyer }: LightningPair): Promise<void> {
  await connectNodes(reachable(seller), reachable(buyer));
}

/** Kills what of the pair runs. */
async function killPair({ btcd, seller, buyer }: LightningPair): Promise<void> {
  await Promise.all([btcd, seller, buyer].map((part) => part.kill()));
}

async function openChannel(pair: LightningPair): Promise<void> {
  const { btcd, seller, buyer } = pair;
  const { nodeId } = seller.coordinates;
  const node = `${nodeId}@127.0.0.1:${seller.place.p2pPort}`;
  // "server is still in the process of starting" for a moment after it says that it is active
  await poll('connection between the nodes', withinMs, async () => {
    await buyer.lncli('connect', node);
    return true;
  });
  await poll('confirmed coins of the buyer', withinMs, async () => {
    const balance = (await buyer.lncli('walletbalance')) as { confirmed_balance: string };
    return BigInt(balance.confirmed_balance) > channel.capacitySat;
  });
  const amounts = [`--local_amt=${channel.capacitySat}`, `--push_amt=${channel.pushedSat}`];
  await poll('opening of the channel', withinMs, async () => {
    await buyer.lncli('openchannel', `--node_key=${nodeId}`, ...amounts);
    return true;
  });
  await btcd.generate(6); // public, so that it is in the graph as it would be in the world
  await connectPair(pair);
}

async function setUp(parts: LightningParts, dir: string): Promise<void> {
  const pair = await pairAt(parts, dir, 'settingUp');
  const { btcd, seller, buyer } = pair;
  try {
    await btcd.start();
    seller.launch();
    buyer.launch();
    await buyer.untilWallet();
    const { address } = (await buyer.lncli('newaddress', 'p2wkh')) as { address: string };
    await btcd.start(address);
    await btcd.generate(blocksForMaturity);
    await Promise.all([seller.start(), buyer.start()]);
    await openChannel(pair);
    writeFileSync(join(dir, 'mining-address'), address);
  } finally {
    await Promise.all([seller.stop(), buyer.stop()]);
    await btcd.stop();
  }
}

function finishedSetUp(parts: LightningParts): Part {
  return {
    name: 'set-up',
    version: `lnd-${versions.lnd}-btcd-${versions.btcd}-${channel.capacitySat}-${channel.pushedSat}`,
    make: (directory) => setUp(parts, directory),
  };
}

/** Starts a pair in the empty folder `dir`, from a copy of the finished set-up that the cache keeps (made now if it has none). */
export async function startPair(parts: LightningParts, dir: string, report: Report): Promise<LightningPair> {
  const kept = await cached(finishedSetUp(parts), report);
  mkdirSync(dir, { recursive: true });
  cpSync(kept, dir, { recursive: true });
  const pair = await pairAt(parts, dir, 'running');
  try {
    await pair.btcd.start(readFileSync(join(dir, 'mining-address'), 'utf8'));
    await pair.btcd.generate(1); // lnd counts as synced only with a block of the last two hours
    await Promise.all([pair.seller.start(), pair.buyer.start()]);
    await connectPair(pair);
    return pair;
  } catch (error) {
    await killPair(pair);
    throw error;
  }
}
