import { TokenBucket, TokenBuckets } from '../../clock/token-bucket.ts';
import type { NodeId } from '../../lightning/lightning.ts';

/** A limit, what one peer may use of it, and what all strangers together may: the rest is kept for trusted peers. */
export interface Share {
  readonly perPeer: number;
  readonly total: number;
  readonly strangers: number;
}

/** Who uses something; whether it is a stranger is settled when the use begins. */
export interface Holder {
  readonly peer: NodeId;
  readonly isTrusted: boolean;
}

/** What of a limit is in use. */
export interface Use {
  ofPeer: number;
  ofStrangers: number;
  ofAll: number;
}

export function share(total: number, perPeer: number, keptForTrustedPercent: number): Share {
  return { total, perPeer, strangers: total - Math.floor((total * keptForTrustedPercent) / 100) };
}

/** Why this much more does not fit: the peer uses too much itself, or all do. */
export function shortage(limit: Share, use: Use, isTrusted: boolean, amount = 1): 'peer' | 'all' | undefined {
  if (use.ofPeer + amount > limit.perPeer) return 'peer';
  if (use.ofAll + amount > limit.total) return 'all';
  return isTrusted || use.ofStrangers + amount <= limit.strangers ? undefined : 'all';
}

/** What is held and given back: streams, bytes. */
export class Holdings {
  readonly #limit: Share;
  readonly #ofPeer = new Map<NodeId, number>();
  #ofStrangers = 0;
  #ofAll = 0;

  constructor(limit: Share) {
    this.#limit = limit;
  }

  get total(): number {
    return this.#ofAll;
  }

  shortage({ peer, isTrusted }: Holder, amount = 1): 'peer' | 'all' | undefined {
    const use = { ofPeer: this.#ofPeer.get(peer) ?? 0, ofStrangers: this.#ofStrangers, ofAll: this.#ofAll };
    return shortage(this.#limit, use, isTrusted, amount);
  }

  /** False: no room, and nothing was taken. */
  take(holder: Holder, amount = 1): boolean {
    if (this.shortage(holder, amount) !== undefined) return false;
    this.#add(holder, amount);
    return true;
  }

  release(holder: Holder, amount = 1): void {
    this.#add(holder, -amount);
  }

  #add({ peer, isTrusted }: Holder, amount: number): void {
    this.#ofAll += amount;
    if (!isTrusted) this.#ofStrangers += amount;
    const ofPeer = (this.#ofPeer.get(peer) ?? 0) + amount;
    if (ofPeer > 0) this.#ofPeer.set(peer, ofPeer);
    else this.#ofPeer.delete(peer);
  }
}

/** What is used up by the minute: requests, time. */
export class SharedRate {
  readonly #peers: TokenBuckets;
  readonly #all: TokenBucket;
  readonly #strangers: TokenBucket;

  constructor({ perPeer, total, strangers }: Share, nowMs: number) {
    this.#peers = new TokenBuckets({ perMinute: perPeer });
    this.#all = new TokenBucket({ perMinute: total }, nowMs);
    this.#strangers = new TokenBucket({ perMinute: strangers }, nowMs);
  }

  /** How long until this much may be used; 0: now. */
  waitMs({ peer, isTrusted }: Holder, amount: number, nowMs: number): number {
    return Math.max(
      this.#peers.waitMs(peer, amount, nowMs),
      this.#all.waitMs(amount, nowMs),
      isTrusted ? 0 : this.#strangers.waitMs(amount, nowMs),
    );
  }

  take({ peer, isTrusted }: Holder, amount: number, nowMs: number): void {
    this.#peers.take(peer, amount, nowMs);
    this.#all.take(amount, nowMs);
    if (!isTrusted) this.#strangers.take(amount, nowMs);
  }

  /** From what is the peer's own: what one of them wastes leaves the others theirs. */
  takeFromPeer(peer: NodeId, amount: number, nowMs: number): void {
    this.#peers.take(peer, amount, nowMs);
  }

  giveBack({ peer, isTrusted }: Holder, amount: number): void {
    this.#peers.giveBack(peer, amount);
    this.#all.giveBack(amount);
    if (!isTrusted) this.#strangers.giveBack(amount);
  }
}
