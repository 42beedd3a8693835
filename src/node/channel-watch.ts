import type { Logger } from 'pino';
import type { Clock } from '../clock/clock.ts';
import type { LightningNode, NodeId } from '../lightning/lightning.ts';
import type { KnownPeers } from '../storefront/admission/known-peers.ts';

const LOOK_EVERY_MS = 30_000;

export interface ChannelWatchOptions {
  readonly node: LightningNode;
  readonly clock: Clock;
  readonly log: Logger;
  readonly peers: KnownPeers;
  /** These are served now and were not before, or the other way round. */
  readonly onServedChanged: (peers: readonly NodeId[]) => void;
}

/** Keeps in mind who has a channel to our node: asked when a peer comes on line and every 30 s. While the node does not answer, what it said last counts. */
export class ChannelWatch {
  readonly #options: ChannelWatchOptions;
  readonly #stopListening: () => void;
  #isAsking = false;
  #isAskedAgain = false;
  #stopTimer: () => void = () => {};

  constructor(options: ChannelWatchOptions) {
    this.#options = options;
    this.#stopListening = options.node.listen({ peerOnline: () => this.look() });
  }

  start(): void {
    this.look();
    this.#stopTimer = this.#options.clock.timer(LOOK_EVERY_MS, () => this.start());
  }

  stop(): void {
    this.#stopListening();
    this.#stopTimer();
  }

  /** Calls that come while the node is asked become one that follows. */
  look(): void {
    this.#isAskedAgain = true;
    if (!this.#isAsking) void this.#ask();
  }

  async #ask(): Promise<void> {
    const { node, peers, log, onServedChanged } = this.#options;
    this.#isAsking = true;
    while (this.#isAskedAgain) {
      this.#isAskedAgain = false;
      try {
        onServedChanged(peers.setChannelPeers(await node.channelPeers()));
      } catch (error) {
        log.debug({ reason: String(error) }, 'the channels could not be listed');
      }
    }
    this.#isAsking = false;
  }
}
