import { Session } from '../../src/session/session.ts';
import type { ManifestStore, SessionRole } from '../../src/session/session.ts';
import { decodeMessage } from '../../src/protocol/codec.ts';
import type { Message } from '../../src/protocol/messages.ts';
import { FakeNetwork } from '../harness/fake-network.ts';
import type { FakeNode } from '../harness/fake-node.ts';
import { ManualClock, turn } from '../harness/manual-clock.ts';
import { silentLog } from '../harness/silent-log.ts';

/** Keeps manifests in memory; each look takes some turns of the event loop, as a database does. */
export class MemoryStore implements ManifestStore {
  readonly kept = new Map<string, Map<number, Uint8Array>>();

  async load(peer: string): Promise<{ type: number; payload: Uint8Array }[]> {
    for (let count = 0; count < 3; count++) await turn();
    return [...(this.kept.get(peer) ?? [])].map(([type, payload]) => ({ type, payload }));
  }

  save(peer: string, type: number, payload: Uint8Array): Promise<void> {
    const known = this.kept.get(peer) ?? new Map<number, Uint8Array>();
    this.kept.set(peer, known.set(type, new Uint8Array(payload)));
    return Promise.resolve();
  }
}

/** A session on a node, and what it was told. */
export interface Side {
  readonly node: FakeNode;
  readonly session: Session;
  readonly told: Message[];
  readonly events: string[];
}

export class Pair {
  readonly clock = new ManualClock();
  readonly network = new FakeNetwork(this.clock);

  async session(name: string, store: ManifestStore = new MemoryStore(), takesMessages = true): Promise<Side> {
    const node = this.network.open(name);
    const ourManifest = () => ({ maxPayloadBytes: 16_384, maxStreamBytes: 1_000n, maxJobBytes: 2_000n, tasks: [] });
    const session = new Session({ node, clock: this.clock, log: silentLog, store, ourManifest });
    const told: Message[] = [];
    const events: string[] = [];
    const role: SessionRole = {
      message: (_peer, message) => told.push(message) > 0 && takesMessages,
      peerOnline: () => events.push('online'),
      peerOffline: () => events.push('offline'),
      manifest: (_peer, manifest) => events.push(`manifest v${manifest.version}`),
    };
    session.addRole(role);
    session.listen();
    await node.start(0n);
    return { node, session, told, events };
  }

  /** A node that only listens. */
  async ear(name: string): Promise<{ node: FakeNode; heard: Message[] }> {
    const node = this.network.open(name);
    const heard: Message[] = [];
    node.listen({
      message: (_peer, type, payload) => {
        const message = decodeMessage(type, payload);
        if (message.kind !== 'undecodable' && message.kind !== 'not-ours') heard.push(message);
      },
    });
    await node.start(0n);
    return { node, heard };
  }
}
