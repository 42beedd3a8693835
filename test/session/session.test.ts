import { describe, expect, test } from 'vitest';
import { encodeMessage } from '../../src/protocol/codec.ts';
import type { Message, Version } from '../../src/protocol/messages.ts';
import type { FakeNode } from '../harness/fake-node.ts';
import { turn } from '../harness/manual-clock.ts';
import { hex32 } from '../harness/wire-buyer.ts';
import { MemoryStore, Pair } from './pair.ts';

const turns = async (): Promise<void> => {
  for (let count = 0; count < 6; count++) await turn();
};
const manifestOf = (version: Version, protocolVersion: number = version): Message => ({
  kind: 'manifest',
  version,
  protocolVersion,
  maxPayloadBytes: 1_000,
  maxStreamBytes: 1n,
  maxJobBytes: 1n,
  tasks: [],
});
const cancelOf = (pair: Pair, fields: Partial<Message> = {}): Message =>
  ({
    kind: 'cancel',
    version: 2,
    protocolVersion: 2,
    jobId: hex32(),
    msgId: hex32(),
    expiryS: BigInt(pair.clock.nowS() + 300),
    ...fields,
  }) as Message;
const send = (from: FakeNode, to: FakeNode, message: Message): Promise<void> => {
  const { type, payload } = encodeMessage(message);
  return from.sendMessage(to.nodeId, type, payload);
};

/** One of our nodes and a peer that keeps quiet. */
async function quietPeer() {
  const pair = new Pair();
  const ours = await pair.session('ours');
  const ear = await pair.ear('peer');
  pair.network.connect(ours.node.nodeId, ear.node.nodeId);
  await turns();
  const manifests = (): number => ear.heard.filter(({ kind, version }) => kind === 'manifest' && version === 2).length;
  return { pair, clock: pair.clock, ours, ear, manifests };
}

describe('our manifest', () => {
  test('goes out in both versions when a peer comes on line', async () => {
    const { ear } = await quietPeer();
    expect(ear.heard.map(({ kind, version, protocolVersion }) => [kind, version, protocolVersion])).toEqual([
      ['manifest', 2, 2],
      ['manifest', 3, 3],
    ]);
  });

  test('arrives before anything else, however slowly the node takes it', async () => {
    const pair = new Pair();
    const ours = await pair.session('ours');
    const ear = await pair.ear('peer');
    const taken = Promise.withResolvers<void>();
    let calls = 0;
    ours.node.faults.sendMessage = () => (++calls <= 2 ? taken.promise : undefined);
    pair.network.connect(ours.node.nodeId, ear.node.nodeId);
    await turns();
    const sent = ours.session.send(ear.node.nodeId, { kind: 'cancel', version: 2, jobId: hex32() });
    await turns();
    expect(ear.heard).toEqual([]);
    taken.resolve();
    await sent;
    await turns();
    expect(ear.heard.map(({ kind }) => kind)).toEqual(['manifest', 'manifest', 'cancel']);
  });

  test('goes out again after 1 s and after 5 s to a peer that has not spoken, and then no more', async () => {
    const { clock, manifests } = await quietPeer();
    await clock.advance(999);
    expect(manifests()).toBe(1);
    await clock.advance(1);
    expect(manifests()).toBe(2);
    await clock.advance(4_000);
    expect(manifests()).toBe(3);
    await clock.advance(3_600_000);
    expect(manifests()).toBe(3);
  });

  test('answers the first manifest of a connection at once and a second later, and that is all', async () => {
    const { clock, manifests, ours, ear } = await quietPeer();
    await send(ear.node, ours.node, manifestOf(2));
    await turns();
    expect(manifests()).toBe(2);
    await clock.advance(60_000);
    expect(manifests()).toBe(5); // on line, after 1 s and 5 s; the answer, at once and after 1 s
    await clock.advance(3_600_000);
    expect(manifests()).toBe(5);
  });

  test('reaches a peer that restarts while ours has just gone there and does not listen yet', async () => {
    const { clock, manifests, ours, ear } = await quietPeer();
    await clock.advance(5_500);
    const before = manifests();
    await send(ear.node, ours.node, manifestOf(2));
    await turns();
    await send(ear.node, ours.node, manifestOf(2));
    await clock.advance(1_000);
    expect(manifests()).toBeGreaterThan(before + 1);
  });

  test('answers a manifest, unless ours went there within 5 s', async () => {
    const { clock, manifests, ours, ear } = await quietPeer();
    await clock.advance(11_000);
    const before = manifests();
    await send(ear.node, ours.node, manifestOf(2));
    await turns();
    expect(manifests()).toBe(before + 1);
    await send(ear.node, ours.node, manifestOf(3));
    await turns();
    expect(manifests()).toBe(before + 1);
  });

  test('goes out anew when a peer comes back, and stops when it goes', async () => {
    const { pair, clock, manifests, ours, ear } = await quietPeer();
    pair.network.disconnect(ours.node.nodeId, ear.node.nodeId);
    await turns();
    await clock.advance(10_000);
    expect(manifests()).toBe(1);
    pair.network.connect(ours.node.nodeId, ear.node.nodeId);
    await turns();
    expect(manifests()).toBe(2);
    expect(ours.events).toEqual(['online', 'offline', 'online']);
  });

  test('is not echoed for ever between two nodes of ours', async () => {
    const pair = new Pair();
    const [a, b] = [await pair.session('a'), await pair.session('b')];
    pair.network.connect(a.node.nodeId, b.node.nodeId);
    await turns();
    await pair.clock.advance(60_000);
    a.session.announce();
    await turns();
    await pair.clock.advance(600_000);
    const heard = (): number => [...a.events, ...b.events].filter((event) => event === 'manifest v2').length;
    const before = heard();
    await pair.clock.advance(3_600_000);
    expect(heard()).toBe(before);
    expect(before).toBeLessThanOrEqual(40);
  });

  test('reaches a peer whose stored manifest cannot be read', async () => {
    const pair = new Pair();
    const broken = { load: () => Promise.reject(new Error('disk')), save: () => Promise.resolve() };
    const ours = await pair.session('ours', broken);
    const ear = await pair.ear('peer');
    pair.network.connect(ours.node.nodeId, ear.node.nodeId);
    await turns();
    expect(ear.heard.map(({ kind }) => kind)).toContain('manifest');
  });
});

describe('the manifest of a peer', () => {
  test('is the newest one that it sent, version by version', async () => {
    const { ours, ear } = await quietPeer();
    await send(ear.node, ours.node, manifestOf(2));
    await send(ear.node, ours.node, { ...manifestOf(2), maxPayloadBytes: 2_000 } as Message);
    await turns();
    expect(ours.session.manifestOf(ear.node.nodeId, 2)?.maxPayloadBytes).toBe(2_000);
    expect(ours.session.manifestOf(ear.node.nodeId, 3)).toBeUndefined();
  });

  test('of another protocol version is ignored', async () => {
    const { ours, ear } = await quietPeer();
    await send(ear.node, ours.node, manifestOf(2, 3));
    await turns();
    expect(ours.session.manifestOf(ear.node.nodeId, 2)).toBeUndefined();
  });

  test('is known again after a restart, before its next message is handled', async () => {
    const pair = new Pair();
    const store = new MemoryStore();
    const first = await pair.session('ours', store);
    const ear = await pair.ear('peer');
    pair.network.connect(first.node.nodeId, ear.node.nodeId);
    await turns();
    await send(ear.node, first.node, manifestOf(2));
    await turns();
    first.session.close();
    await first.node.close();
    const second = await pair.session('ours', store);
    const known: unknown[] = [];
    second.session.addRole({ message: (peer) => known.push(second.session.manifestOf(peer, 2)?.maxPayloadBytes) > 0 });
    await send(ear.node, second.node, cancelOf(pair));
    await turns();
    expect(known).toEqual([1_000]);
  });
});

describe('a message', () => {
  test('is told once, however often it is sent', async () => {
    const { pair, ours, ear } = await quietPeer();
    const message = cancelOf(pair);
    for (let count = 0; count < 3; count++) await send(ear.node, ours.node, message);
    await turns();
    expect(ours.told).toHaveLength(1);
  });

  test('that has expired is not told; one that expires now is', async () => {
    const { pair, ours, ear, clock } = await quietPeer();
    await send(ear.node, ours.node, cancelOf(pair, { expiryS: BigInt(clock.nowS() - 1) } as Partial<Message>));
    await send(ear.node, ours.node, cancelOf(pair, { expiryS: BigInt(clock.nowS()) } as Partial<Message>));
    await turns();
    expect(ours.told).toHaveLength(1);
  });

  test('that is not ours, or cannot be decoded, is not told and does no harm', async () => {
    const { pair, ours, ear } = await quietPeer();
    for (const type of [42_079, 42_083, 42_100, 32_769])
      await ear.node.sendMessage(ours.node.nodeId, type, Buffer.from('peerswap'));
    await send(ear.node, ours.node, cancelOf(pair));
    await turns();
    expect(ours.told.map(({ kind }) => kind)).toEqual(['cancel']);
  });

  test('of another protocol version is told only when it is a request, which must be answered', async () => {
    const { pair, ours, ear } = await quietPeer();
    await send(ear.node, ours.node, cancelOf(pair, { protocolVersion: 3 }));
    await send(
      ear.node,
      ours.node,
      cancelOf(pair, { kind: 'quote-request', protocolVersion: 3, taskKind: 'x' } as Partial<Message>),
    );
    await turns();
    expect(ours.told.map(({ kind }) => kind)).toEqual(['quote-request']);
  });

  test('that we send holds its bytes as they were, whatever becomes of them afterwards', async () => {
    const { ours, ear } = await quietPeer();
    const ids = { jobId: hex32(), streamId: hex32() };
    const data = Uint8Array.of(1, 2, 3);
    const sending = Array.from({ length: 20 }, (_, seq) => {
      data[0] = seq;
      return ours.session.send(ear.node.nodeId, { kind: 'stream-chunk', version: 2, ...ids, seq, data });
    });
    data.fill(0);
    await Promise.all(sending);
    await turns();
    const chunks = ear.heard.flatMap((message) => (message.kind === 'stream-chunk' ? [[...message.data]] : []));
    expect(chunks).toEqual(Array.from({ length: 20 }, (_, seq) => [seq, 2, 3]));
  });

  test('that we send bears an id of its own and an expiry within 600 s', async () => {
    const { ours, ear, clock } = await quietPeer();
    for (let count = 0; count < 2; count++)
      await ours.session.send(ear.node.nodeId, { kind: 'cancel', version: 2, jobId: hex32() });
    await turns();
    const sent = ear.heard.flatMap((message) => (message.kind === 'cancel' ? [message] : []));
    expect(new Set(sent.map(({ msgId }) => msgId)).size).toBe(2);
    for (const { expiryS } of sent) expect(Number(expiryS) - clock.nowS()).toBeLessThanOrEqual(600);
  });
});
