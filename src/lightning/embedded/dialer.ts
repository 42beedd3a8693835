import { ECDH } from 'node:crypto';
import { LightningError } from '../lightning.ts';
import type { NodeId } from '../lightning.ts';
import type { Sockets } from './sockets.ts';
import type { Store } from './store.ts';

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 10_000;

interface Target {
  readonly address: string;
  pauseMs: number;
  dialing: boolean;
  /** It has been on line: dialed again and again from now on. */
  proven: boolean;
  timer?: NodeJS.Timeout;
  waiting: { readonly resolve: () => void; readonly reject: (error: LightningError) => void }[];
}

/** Keeps the connections that were asked for: remembers them on disk, and dials again with a growing pause. */
export class Dialer {
  readonly #sockets: Sockets;
  readonly #store: Store;
  readonly #isOnline: (peer: NodeId) => boolean;
  readonly #targets = new Map<NodeId, Target>();
  readonly #remember;
  readonly #forget;
  #closed = false;

  constructor(sockets: Sockets, store: Store, isOnline: (peer: NodeId) => boolean) {
    this.#sockets = sockets;
    this.#store = store;
    this.#isOnline = isOnline;
    this.#remember = store.prepare('INSERT OR REPLACE INTO peers VALUES (?, ?)');
    this.#forget = store.prepare('DELETE FROM peers WHERE node_id = ?');
  }

  /** Dials the peers of an earlier run. */
  resume(): void {
    for (const row of this.#store.prepare('SELECT * FROM peers').all()) {
      const [peer, address] = [row['node_id'] as string, row['address'] as string];
      const target = this.#target(peer, address);
      target.proven = true;
      this.#dial(peer, target);
    }
  }

  /** Resolves once the peer is on line; when the first attempt fails the peer is not remembered. */
  connect(peer: NodeId, address: string): Promise<void> {
    split(address);
    if (!isNodeId(peer)) throw new LightningError('refused', `"${peer}" is no node id`);
    const target = this.#target(peer, address);
    if (this.#isOnline(peer)) {
      this.online(peer);
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      target.waiting.push({ resolve, reject });
      this.#dial(peer, target);
    });
  }

  /** Stops dialing a peer. */
  forget(peer: NodeId): void {
    const target = this.#targets.get(peer);
    this.#targets.delete(peer);
    clearTimeout(target?.timer);
    this.#store.write('peer', this.#forget, peer);
  }

  online(peer: NodeId): void {
    const target = this.#targets.get(peer);
    if (target === undefined) return;
    target.pauseMs = FIRST_PAUSE_MS;
    if (!target.proven) this.#store.write('peer', this.#remember, peer, target.address);
    target.proven = true;
    const { waiting } = target;
    target.waiting = [];
    for (const { resolve } of waiting) resolve();
  }

  close(error: LightningError): void {
    this.#closed = true;
    for (const target of this.#targets.values()) {
      clearTimeout(target.timer);
      for (const { reject } of target.waiting) reject(error);
    }
    this.#targets.clear();
  }

  #target(peer: NodeId, address: string): Target {
    const known = this.#targets.get(peer);
    if (known?.address === address) return known;
    clearTimeout(known?.timer);
    const target: Target = {
      address,
      pauseMs: FIRST_PAUSE_MS,
      dialing: false,
      proven: false,
      waiting: known?.waiting ?? [],
    };
    this.#targets.set(peer, target);
    return target;
  }

  #dial(peer: NodeId, target: Target): void {
    clearTimeout(target.timer);
    if (target.dialing) return;
    target.dialing = true;
    const [host, port] = split(target.address);
    this.#sockets.dial(peer, host, port, (reason) => {
      target.dialing = false;
      if (this.#closed || this.#targets.get(peer) !== target) return;
      const { waiting } = target;
      target.waiting = [];
      for (const { reject } of waiting) {
        reject(new LightningError('peer-offline', `${peer} at ${target.address}: ${reason}`));
      }
      if (!target.proven) {
        this.#targets.delete(peer);
        return;
      }
      target.timer = setTimeout(() => {
        if (!this.#isOnline(peer)) this.#dial(peer, target);
      }, target.pauseMs);
      target.pauseMs = Math.min(target.pauseMs * 2, LONGEST_PAUSE_MS);
    });
  }
}

/** A point on the curve: LDK panics on anything else. */
function isNodeId(peer: string): boolean {
  if (!/^0[23][0-9a-f]{64}$/.test(peer)) return false;
  try {
    ECDH.convertKey(peer, 'secp256k1', 'hex', 'hex', 'compressed');
    return true;
  } catch {
    return false;
  }
}

function split(address: string): [host: string, port: number] {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(address) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || Number(port) > 65_535) {
    throw new LightningError('refused', `"${address}" is no address: write host:port or [IPv6]:port`);
  }
  return [host, Number(port)];
}
