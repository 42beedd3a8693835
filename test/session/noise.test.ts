import { describe, expect, test } from 'vitest';
import { chunkMsgId, encodeMessage } from '../../src/protocol/codec.ts';
import type { Message } from '../../src/protocol/messages.ts';
import { turn } from '../harness/manual-clock.ts';
import { hex32 } from '../harness/wire-buyer.ts';
import { MemoryStore, Pair } from './pair.ts';

const settle = async (): Promise<void> => {
  for (let count = 0; count < 8; count++) await turn();
};

/** One of our nodes, to which nothing means anything, and a peer that can send anything. */
async function noisyPeer() {
  const pair = new Pair();
  const store = new MemoryStore();
  let saves = 0;
  const save = store.save.bind(store);
  store.save = (...args) => {
    saves++;
    return save(...args);
  };
  const ours = await pair.session('ours', store, false);
  const peer = await pair.ear('peer');
  const { nodeId } = ours.node;
  pair.network.connect(nodeId, peer.node.nodeId);
  await settle();
  const send = (message: Partial<Message>): void => {
    const { type, payload } = encodeMessage({ version: 2, protocolVersion: 2, ...message } as Message);
    void peer.node.sendMessage(nodeId, type, payload);
  };
  const envelope = () => ({ jobId: hex32(), msgId: hex32(), expiryS: BigInt(pair.clock.nowS() + 600) });
  const chunk = (streamId: string, seq: number): void =>
    send({
      ...envelope(),
      kind: 'stream-chunk',
      streamId,
      seq,
      data: new Uint8Array(8),
      msgId: chunkMsgId(streamId, seq),
    });
  const manifest = (maxPayloadBytes: number): void =>
    send({ kind: 'manifest', maxPayloadBytes, maxStreamBytes: 1n, maxJobBytes: 1n, tasks: [] });
  const manifestsHeard = (): number => peer.heard.filter((message) => message.kind === 'manifest').length / 2;
  return { pair, ours, told: ours.told, peer, chunk, manifest, manifestsHeard, send, envelope, saves: () => saves };
}

describe('a peer whose messages lead to nothing', () => {
  test('is not listened to after some thousand chunks, and is again when time has passed', async () => {
    const { told, chunk, pair } = await noisyPeer();
    const streamId = hex32();
    for (let seq = 0; seq < 20_000; seq++) chunk(streamId, seq);
    await settle();
    const heard = told.length;
    expect(heard).toBe(8_000);
    await pair.clock.advance(1_000);
    for (let seq = 0; seq < 1_000; seq++) chunk(streamId, seq);
    await settle();
    expect(told.length - heard).toBe(200);
  });

  test('is still heard with a request after a flood of chunks', async () => {
    const { told, chunk, send, envelope } = await noisyPeer();
    const streamId = hex32();
    for (let seq = 0; seq < 10_000; seq++) chunk(streamId, seq);
    send({ ...envelope(), kind: 'quote-request', taskKind: 'x' });
    await settle();
    expect(told.at(-1)?.kind).toBe('quote-request');
  });

  test('makes us save and answer so many manifests a minute', async () => {
    const { pair, manifest, manifestsHeard, saves } = await noisyPeer();
    for (let count = 0; count < 1_000; count++) {
      manifest(1_000 + count);
      if (count % 100 === 0) await pair.clock.advance(10);
    }
    await pair.clock.advance(60_000);
    expect(saves()).toBeLessThanOrEqual(21);
    expect(manifestsHeard()).toBeLessThan(15);
  });

  test('and that comes and goes in a loop hears so many manifests a minute', async () => {
    const { pair, ours, peer, manifestsHeard } = await noisyPeer();
    for (let count = 0; count < 500; count++) {
      pair.network.disconnect(ours.node.nodeId, peer.node.nodeId);
      pair.network.connect(ours.node.nodeId, peer.node.nodeId);
      await pair.clock.advance(10);
    }
    expect(manifestsHeard()).toBeLessThanOrEqual(45);
    await pair.clock.advance(120_000);
    const before = manifestsHeard();
    pair.network.disconnect(ours.node.nodeId, peer.node.nodeId);
    pair.network.connect(ours.node.nodeId, peer.node.nodeId);
    await settle();
    expect(manifestsHeard()).toBe(before + 1);
  });

  test('gets an answer to its manifest after our clock was set back, as before', async () => {
    const { pair, manifest, manifestsHeard } = await noisyPeer();
    for (let count = 0; count < 6; count++) {
      manifest(1_000);
      await pair.clock.advance(2_000);
    }
    pair.clock.jump(-3_600_000);
    const before = manifestsHeard();
    manifest(1_000);
    await settle();
    expect(manifestsHeard()).toBeGreaterThan(before);
  });
});
