import { TokenBuckets } from '../../clock/token-bucket.ts';
import type { NodeId } from '../../lightning/lightning.ts';

const PER_PEER_AND_MINUTE = 10;
const PER_MINUTE = 120;
const PEERS_REMEMBERED = 1_024;
const EVERYBODY = '';

/** Which refusals are worth a line in the log: a peer that is refused a thousand times a second must not fill the disk. */
export class RefusalLog {
  readonly #ofPeer = new TokenBuckets({ perMinute: PER_PEER_AND_MINUTE }, PEERS_REMEMBERED);
  readonly #ofAll = new TokenBuckets({ perMinute: PER_MINUTE });
  readonly #suppressed = new Map<NodeId, number>();

  /** Undefined: log nothing. Else how many refusals of this peer were left out since the last that was logged. */
  refused(peer: NodeId, nowMs: number): number | undefined {
    const leftOut = this.#suppressed.get(peer) ?? 0;
    this.#suppressed.delete(peer);
    if (this.#ofPeer.tryOne(peer, nowMs) && this.#ofAll.tryOne(EVERYBODY, nowMs)) return leftOut;
    this.#suppressed.set(peer, leftOut + 1);
    for (const oldest of this.#suppressed.keys()) {
      if (this.#suppressed.size <= PEERS_REMEMBERED) break;
      this.#suppressed.delete(oldest);
    }
    return undefined;
  }
}
