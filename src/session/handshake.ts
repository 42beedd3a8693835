import type { Clock } from '../clock/clock.ts';
import type { NodeId } from '../lightning/lightning.ts';

/** Between two of our own nodes, answers to answers end here. */
const QUIET_MS = 5_000;
/** A peer may send its manifest before it listens, so a first one of ours may be lost. */
const REPEAT_AFTER_MS = [1_000, 5_000];
/** A manifest that comes this soon after ours may be the answer to it, our last repeat included: no reason to repeat ours. */
const ANSWER_MS = 6_000;

/**
 * When our manifest goes out: as soon as a peer is on line, again while the peer has not spoken, and as the answer to a manifest unless ours
 * has just gone there. LCP v0.2 §5.1 speaks of one manifest per connection; peers that restart without a new connection need more.
 */
export class Handshake {
  readonly #clock: Clock;
  readonly #send: (peer: NodeId) => void;
  readonly #sentAtMs = new Map<NodeId, number>();
  readonly #repeats = new Map<NodeId, (() => void)[]>();
  /** Peers that have spoken since they came on line. */
  readonly #heard = new Set<NodeId>();

  constructor(clock: Clock, send: (peer: NodeId) => void) {
    this.#clock = clock;
    this.#send = send;
  }

  peerOnline(peer: NodeId): void {
    this.#sendNow(peer);
    this.#repeat(peer);
  }

  peerOffline(peer: NodeId): void {
    this.#stopRepeats(peer);
    this.#sentAtMs.delete(peer);
    this.#heard.delete(peer);
  }

  /** The peer sent a manifest. */
  peerSpoke(peer: NodeId): void {
    this.#stopRepeats(peer);
    const sinceOursMs = this.#clock.nowMs() - (this.#sentAtMs.get(peer) ?? -Infinity);
    // A peer that speaks for the first time may not have listened yet when ours went out.
    const isFirst = !this.#heard.has(peer);
    this.#heard.add(peer);
    if (isFirst || sinceOursMs > QUIET_MS) this.#sendNow(peer);
    if (sinceOursMs > ANSWER_MS) this.#repeat(peer);
  }

  close(): void {
    for (const peer of this.#repeats.keys()) this.#stopRepeats(peer);
  }

  #sendNow(peer: NodeId): void {
    this.#sentAtMs.set(peer, this.#clock.nowMs());
    this.#send(peer);
  }

  #repeat(peer: NodeId): void {
    this.#stopRepeats(peer);
    const stops = REPEAT_AFTER_MS.map((delayMs) => this.#clock.timer(delayMs, () => this.#sendNow(peer)));
    this.#repeats.set(peer, stops);
  }

  #stopRepeats(peer: NodeId): void {
    for (const stop of this.#repeats.get(peer) ?? []) stop();
    this.#repeats.delete(peer);
  }
}
