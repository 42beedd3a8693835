import { ExpiryQueue, type Expiring } from './expiry-queue.ts';
import type { Envelope, Kind } from './messages.ts';

/** MAX_ENVELOPE_EXPIRY_WINDOW_SECONDS: LCP v0.2 §4.2, v0.3 §3.5. */
export const MAX_EXPIRY_WINDOW_S = 600;

export interface ReplayLimits {
  readonly maxPerPeer: number;
  readonly maxTotal: number;
}

export type Admission = 'fresh' | 'duplicate' | 'expired';

/** A message that has been here, remembered up to and including `second`. */
interface Seen extends Expiring {
  readonly peer: string;
  readonly id: string;
}

/**
 * Which messages have been here: LCP v0.2 §4.2, v0.3 §3.5. A message is known by (peer, job_id, msg_id) until
 * min(expiry, now + 600 s). When a peer, or all peers together, hold more than the limit, what expires first is forgotten
 * first: a flood can make us forget messages of the flooder, and those that were about to expire, sooner than told.
 */
export class ReplayWindow {
  readonly #limits: ReplayLimits;
  readonly #peers = new Map<string, { readonly byId: Map<string, Seen>; readonly queue: ExpiryQueue<Seen> }>();
  readonly #all = new ExpiryQueue<Seen>();

  constructor(limits: ReplayLimits) {
    if (limits.maxPerPeer < 1 || limits.maxTotal < 1)
      throw new RangeError('a replay window holds one message at least');
    this.#limits = limits;
  }

  /** How many messages are remembered. */
  get size(): number {
    return this.#all.size;
  }

  /**
   * Judges a message by the time `nowS` (unix seconds), and remembers it. Chunks are judged by their expiry only: they
   * are not stored, as `seq` tells a repeated one.
   */
  admit(peer: string, message: Envelope & { readonly kind: Kind }, nowS: bigint): Admission {
    this.#forgetExpired(Number(nowS));
    if (message.expiryS < nowS) return 'expired';
    if (message.kind === 'stream-chunk') return 'fresh';
    const id = message.jobId + message.msgId;
    if (this.#peers.get(peer)?.byId.has(id)) return 'duplicate';
    const latest = nowS + BigInt(MAX_EXPIRY_WINDOW_S);
    const second = Number(message.expiryS < latest ? message.expiryS : latest);
    this.#makeRoom(peer);
    this.#remember({ peer, id, second, live: true });
    return 'fresh';
  }

  #makeRoom(peer: string): void {
    const queue = this.#peers.get(peer)?.queue;
    if (queue !== undefined && queue.size >= this.#limits.maxPerPeer) this.#forget(queue.oldest());
    if (this.#all.size >= this.#limits.maxTotal) this.#forget(this.#all.oldest());
  }

  #remember(seen: Seen): void {
    let held = this.#peers.get(seen.peer);
    if (held === undefined) {
      held = { byId: new Map(), queue: new ExpiryQueue() };
      this.#peers.set(seen.peer, held);
    }
    held.byId.set(seen.id, seen);
    held.queue.add(seen);
    this.#all.add(seen);
  }

  #forgetExpired(now: number): void {
    for (let oldest = this.#all.oldest(); oldest !== undefined && oldest.second < now; oldest = this.#all.oldest()) {
      this.#forget(oldest);
    }
  }

  #forget(seen: Seen | undefined): void {
    const held = seen && this.#peers.get(seen.peer);
    if (seen === undefined || held === undefined) return;
    seen.live = false;
    held.byId.delete(seen.id);
    held.queue.dropped(seen);
    this.#all.dropped(seen);
    if (held.byId.size === 0) this.#peers.delete(seen.peer);
  }
}
