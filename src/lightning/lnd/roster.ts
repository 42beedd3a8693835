import type { LightningListener, NodeId } from '../lightning.ts';

type Telling = Required<Pick<LightningListener, 'peerOnline' | 'peerOffline' | 'message'>>;

interface HeldMessage {
  readonly peer: NodeId;
  readonly type: number;
  readonly payload: Uint8Array;
}

/** Messages kept for peers that lnd has not told us to be on line yet. */
const MAX_HELD = 4096;
const OFTEN_ENOUGH = 5;

/**
 * Who is on line. lnd tells peers and messages on two streams that race each other, and tells no state when a stream begins. The
 * roster puts them in one order: a peer is on line before its first message is told, and no message is told after it went off line.
 */
export class Roster {
  readonly #online = new Set<NodeId>();
  readonly #waiting = new Set<() => void>();
  readonly #tell: Telling;
  readonly #list: () => Promise<NodeId[]>;
  #held: HeldMessage[] = [];
  #changes = 0;
  #comparing: Promise<void> | undefined;

  constructor(tell: Telling, list: () => Promise<NodeId[]>) {
    this.#tell = tell;
    this.#list = list;
  }

  connected(peer: NodeId): void {
    this.#changes++;
    if (this.#online.has(peer)) return;
    this.#online.add(peer);
    this.#tell.peerOnline(peer);
    const held = this.#held.filter((message) => message.peer === peer);
    this.#held = this.#held.filter((message) => message.peer !== peer);
    for (const { type, payload } of held) this.#tell.message(peer, type, payload);
    for (const check of this.#waiting) check();
  }

  disconnected(peer: NodeId): void {
    this.#changes++;
    this.#held = this.#held.filter((message) => message.peer !== peer);
    if (this.#online.delete(peer)) this.#tell.peerOffline(peer);
  }

  /** False: the peer is not known to be on line, so `compare` is due. */
  message(peer: NodeId, type: number, payload: Uint8Array): boolean {
    if (this.#online.has(peer)) {
      this.#tell.message(peer, type, payload);
      return true;
    }
    if (this.#held.length < MAX_HELD) this.#held.push({ peer, type, payload });
    return false;
  }

  /** The node is gone, and with it every peer. */
  clear(): void {
    this.#held = [];
    for (const peer of this.#online) this.disconnected(peer);
  }

  /** Asks lnd who is on line, and tells the differences. */
  compare(): Promise<void> {
    this.#comparing ??= this.#compare().finally(() => (this.#comparing = undefined));
    return this.#comparing;
  }

  async #compare(): Promise<void> {
    for (let round = 0; round < OFTEN_ENOUGH; round++) {
      const before = this.#changes;
      const now = new Set(await this.#list());
      // An event during the call may be older or newer than the list: ask again.
      if (before !== this.#changes) continue;
      for (const peer of this.#online) if (!now.has(peer)) this.disconnected(peer);
      for (const peer of now) this.connected(peer);
      this.#held = []; // of peers that came and went
      return;
    }
  }

  /** Resolves with true once the peer is on line, with false after `timeoutMs`. */
  until(peer: NodeId, timeoutMs: number): Promise<boolean> {
    if (this.#online.has(peer)) return Promise.resolve(true);
    return new Promise((resolve) => {
      const done = (isOnline: boolean): void => {
        clearTimeout(timer);
        this.#waiting.delete(check);
        resolve(isOnline);
      };
      const check = (): void => {
        if (this.#online.has(peer)) done(true);
      };
      const timer = setTimeout(() => done(false), timeoutMs);
      this.#waiting.add(check);
    });
  }
}
