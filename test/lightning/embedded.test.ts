import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { NodeId } from '../../src/lightning/lightning.ts';
import { msat } from '../../src/money/msat.ts';
import { openEmbeddedNode } from '../../src/lightning/embedded/embedded-node.ts';
import { codeOf, lightningContract, Told } from './contract.ts';

lightningContract('the embedded node', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'embedded-'));
  const open = (name: string, port?: number) =>
    openEmbeddedNode({
      directory: join(directory, name),
      ...(port !== undefined && { listen: { host: '127.0.0.1', port } }),
    });
  let seller = await open('seller', 0);
  const { address } = seller;
  const buyer = await open('buyer');
  await buyer.connectPeer(seller.nodeId, address);
  await buyer.openChannel(seller.nodeId, 1_000_000n, msat(100_000_000));
  return {
    seller,
    buyer,
    restartSeller: async () => {
      await seller.close();
      return (seller = await open('seller', Number(address.split(':')[1])));
    },
    disconnect: () => buyer.disconnectPeer(seller.nodeId),
    reconnect: () => buyer.connectPeer(seller.nodeId, address),
    async outlastHolds() {
      // Both at once and in small steps: more than 21 blocks between the two, and the buyer would close the channel.
      const held = async () => (await seller.ourInvoices(0)).some(({ invoice }) => invoice.state === 'held');
      while (await held()) for (const node of [seller, buyer]) await node.mine(10);
    },
    buyerFunds: async () => buyer.channels().reduce((sum, { outboundMsat }) => sum + outboundMsat, 0n),
    close: async () => {
      await Promise.all([buyer.close(), seller.close()]);
      await rm(directory, { recursive: true });
    },
  };
});

describe('the embedded node', () => {
  const temporary = async (): Promise<string> => {
    const directory = await mkdtemp(join(tmpdir(), 'embedded-'));
    onTestFinished(() => rm(directory, { recursive: true }));
    return directory;
  };

  it('refuses any network with real money', async () => {
    const directory = await temporary();
    for (const network of ['bitcoin', 'mainnet', 'testnet']) {
      expect(await codeOf(openEmbeddedNode({ directory, network }))).toBe('refused');
    }
  });

  it('is alone on its directory', async () => {
    const directory = await temporary();
    const node = await openEmbeddedNode({ directory });
    expect(await codeOf(openEmbeddedNode({ directory }))).toBe('unavailable');
    await node.close();
    const again = await openEmbeddedNode({ directory });
    expect(again.nodeId).toBe(node.nodeId);
    await again.close();
  });

  it('refuses a peer id that is no point on the curve, which would make LDK panic', async () => {
    const node = await openEmbeddedNode({ directory: await temporary() });
    expect(await codeOf(node.connectPeer(`02${'ff'.repeat(32)}`, '127.0.0.1:9735'))).toBe('refused');
    expect(await node.peers()).toEqual([]);
    await node.close();
  });

  it('passes messages without writing to disk, and those that came before its start', async () => {
    const directory = await temporary();
    const to = await openEmbeddedNode({ directory: join(directory, 'to'), listen: { host: '127.0.0.1', port: 0 } });
    const from = await openEmbeddedNode({ directory: join(directory, 'from') });
    await from.connectPeer(to.nodeId, to.address);
    const commits = [from.commits, to.commits];
    for (let index = 0; index < 100; index++) await from.sendMessage(to.nodeId, 42_081, Buffer.alloc(1000, index));
    const told = new Told(to);
    await to.start(0n);
    await told.until('100 messages', () => told.messages.length === 100 || undefined);
    expect(told.messages.map(({ payload }) => payload[0])).toEqual(Array.from({ length: 100 }, (_, index) => index));
    expect([from.commits, to.commits]).toEqual(commits);
    await Promise.all([from.close(), to.close()]);
  });

  it('reads a flood of tiny messages a few at a time, from each peer in turn, and loses none', async () => {
    const directory = await temporary();
    const to = await openEmbeddedNode({ directory: join(directory, 'to'), listen: { host: '127.0.0.1', port: 0 } });
    const senders = await Promise.all(
      [0, 1, 2].map((index) => openEmbeddedNode({ directory: join(directory, `from${index}`) })),
    );
    let turn = 0;
    let isOver = false;
    const count = (): void => {
      turn++;
      if (!isOver) setImmediate(count);
    };
    setImmediate(count);
    const perTurn = new Map<number, NodeId[]>();
    const told = new Told(to);
    to.listen({ message: (peer) => perTurn.set(turn, [...(perTurn.get(turn) ?? []), peer]) });
    await to.start(0n);
    for (const from of senders) await from.connectPeer(to.nodeId, to.address);
    await Promise.all(
      senders.map(async (from) => {
        for (let index = 0; index < 2000; index++)
          await from.sendMessage(to.nodeId, 42_081, Buffer.from(String(index)));
      }),
    );
    await told.until('6000 messages', () => told.messages.length === 6000 || undefined);
    isOver = true;
    for (const { nodeId } of senders)
      expect(
        told.messages.filter(({ peer }) => peer === nodeId).map(({ payload }) => Number(Buffer.from(payload))),
      ).toEqual(Array.from({ length: 2000 }, (_, index) => index));
    const most = Math.max(...[...perTurn.values()].map((peers) => peers.length));
    expect(most).toBeLessThan(128 + 114); // the budget, and the rest of the slice that exhausts it
    expect(most).toBeGreaterThan(50); // it was a flood
    expect([...perTurn.values()].some((peers) => new Set(peers).size > 1)).toBe(true);
    await Promise.all([...senders, to].map((node) => node.close()));
  });

  it('dials a peer that comes back on the same address', async () => {
    const directory = await temporary();
    const open = (port: number) =>
      openEmbeddedNode({ directory: join(directory, 'to'), listen: { host: '127.0.0.1', port } });
    let to = await open(0);
    const from = await openEmbeddedNode({ directory: join(directory, 'from') });
    const told = new Told(from);
    await from.start(0n);
    await from.connectPeer(to.nodeId, to.address);
    await to.close();
    await told.until('off line', () => told.states.includes(`offline ${to.nodeId}`) || undefined);
    to = await open(Number(to.address.split(':')[1]));
    await told.until('on line again', () => told.states.lastIndexOf(`online ${to.nodeId}`) > 1 || undefined);
    await Promise.all([from.close(), to.close()]);
  });
});
