import type { NodeId } from '../../lightning/lightning.ts';

/** Whom the operator serves; see config.example.yaml. */
export interface PeerRules {
  readonly allow: readonly NodeId[];
  readonly deny: readonly NodeId[];
  readonly channelOnly: boolean;
}

/** Payers that are remembered; the one that paid longest ago is forgotten first. */
const PAYERS_REMEMBERED = 10_000;

/** Who is a stranger and who is not: a peer with a channel to us, with a settled payment, or of the allow list has something to lose. */
export class KnownPeers {
  readonly #allowed: ReadonlySet<NodeId>;
  readonly #denied: ReadonlySet<NodeId>;
  readonly #channelOnly: boolean;
  readonly #payers = new Set<NodeId>(); // the latest last
  #channelPeers: ReadonlySet<NodeId> = new Set();

  constructor({ allow, deny, channelOnly }: PeerRules) {
    this.#allowed = new Set(allow);
    this.#denied = new Set(deny);
    this.#channelOnly = channelOnly;
  }

  isDenied(peer: NodeId): boolean {
    return this.#denied.has(peer);
  }

  /** Whether anything is sold to it. */
  isServed(peer: NodeId): boolean {
    if (this.isDenied(peer)) return false;
    const isOpen = this.#allowed.size === 0 && !this.#channelOnly;
    return isOpen || this.#allowed.has(peer) || (this.#channelOnly && this.#channelPeers.has(peer));
  }

  isTrusted(peer: NodeId): boolean {
    return !this.isDenied(peer) && (this.#channelPeers.has(peer) || this.#payers.has(peer) || this.#allowed.has(peer));
  }

  paid(peer: NodeId): void {
    this.#payers.delete(peer);
    this.#payers.add(peer);
    if (this.#payers.size <= PAYERS_REMEMBERED) return;
    for (const oldest of this.#payers) {
      this.#payers.delete(oldest);
      return;
    }
  }

  /** Takes note of all peers that have an open channel to us; returns those that are served from now on and were not, or the other way round. */
  setChannelPeers(peers: ReadonlySet<NodeId>): NodeId[] {
    const known = [...new Set([...this.#channelPeers, ...peers])];
    const before = known.map((peer) => this.isServed(peer));
    this.#channelPeers = new Set(peers);
    return known.filter((peer, index) => this.isServed(peer) !== before[index]);
  }
}
