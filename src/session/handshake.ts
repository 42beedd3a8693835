import type { Clock } from '../clock/clock.ts';
import { TokenBuckets } from '../clock/token-bucket.ts';
import type { NodeId } from '../lightning/lightning.ts';

/** A manifest that comes later than this after ours is answered at once. */
const QUIET_MS = 5_000;
/** A peer may come on line before it listens, so a first manifest of ours may be lost. */
const REPEAT_AFTER_MS = [1_000, 5_000];
/** A peer that just spoke may not listen yet: ours goes out (again) this much later. */
const FIRST_ANSWER_MS = 1_000;
/** Answers that would wait longer are left out, until there was peace: two of our nodes must not answer each other for ever. */
const LONGEST_ANSWER_MS = 16_000;
/** To one peer, over all its connections: one that comes and goes in a loop must not keep us talking. */
const MANIFESTS = { perMinute: 20, burst: 40 };

interface PeerState {
  sentAtMs: number;
  heardAtMs: number;
  /** How long the next answer waits; doubles while manifests keep coming. */
  answerMs: number;
  repeats: (() => void)[];
  stopAnswer?: () => void;
}

/**
 * When our manifest goes out: as soon as a peer is on line and twice soon after; at once for the first manifest of a connection and for one that
 * comes out of the blue; and once more a while after any manifest. LCP v0.2 §5.1 speaks of one manifest per connection, but a program that
 * restarts on a connection that stays sends its own before it listens, and waits for ours.
 */
export class Handshake {
  readonly #clock: Clock;
  readonly #send: (peer: NodeId) => void;
  readonly #peers = new Map<NodeId, PeerState>();
  readonly #rate = new TokenBuckets(MANIFESTS);

  constructor(clock: Clock, send: (peer: NodeId) => void) {
    this.#clock = clock;
    this.#send = send;
  }

  peerOnline(peer: NodeId): void {
    this.sendNow(peer);
    const repeats = REPEAT_AFTER_MS.map((delayMs) => this.#clock.timer(delayMs, () => this.sendNow(peer)));
    this.#stateOf(peer).repeats.push(...repeats);
  }

  peerOffline(peer: NodeId): void {
    const state = this.#peers.get(peer);
    for (const stop of state?.repeats ?? []) stop();
    state?.stopAnswer?.();
    this.#peers.delete(peer);
  }

  /** The peer sent a manifest. */
  peerSpoke(peer: NodeId): void {
    const state = this.#stateOf(peer);
    const nowMs = this.#clock.nowMs();
    const isFirst = state.heardAtMs === -Infinity;
    // A clock that was set back counts as time that passed: else it would be quiet here until it has caught up.
    if (Math.abs(nowMs - state.heardAtMs) > 2 * state.answerMs) state.answerMs = FIRST_ANSWER_MS;
    state.heardAtMs = nowMs;
    if (isFirst || Math.abs(nowMs - state.sentAtMs) > QUIET_MS) this.sendNow(peer);
    if (state.stopAnswer !== undefined || state.answerMs > LONGEST_ANSWER_MS) return;
    state.stopAnswer = this.#clock.timer(state.answerMs, () => {
      delete state.stopAnswer;
      this.sendNow(peer);
    });
    state.answerMs *= 2;
  }

  /** Sends ours now, unless the peer had too many of late. */
  sendNow(peer: NodeId): void {
    const nowMs = this.#clock.nowMs();
    if (!this.#rate.tryOne(peer, nowMs)) return;
    this.#stateOf(peer).sentAtMs = nowMs;
    this.#send(peer);
  }

  close(): void {
    for (const peer of this.#peers.keys()) this.peerOffline(peer);
  }

  #stateOf(peer: NodeId): PeerState {
    const known = this.#peers.get(peer);
    if (known !== undefined) return known;
    const state: PeerState = { sentAtMs: -Infinity, heardAtMs: -Infinity, answerMs: FIRST_ANSWER_MS, repeats: [] };
    this.#peers.set(peer, state);
    return state;
  }
}
