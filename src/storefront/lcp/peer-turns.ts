import type { NodeId } from '../../lightning/lightning.ts';

/** One piece of work at a time for each peer, in order: a peer that asks for much at once waits for itself, not others for it. */
export class PeerTurns {
  readonly #last = new Map<NodeId, Promise<unknown>>();

  run<Value>(peer: NodeId, work: () => Promise<Value>): Promise<Value> {
    const before = this.#last.get(peer);
    const result = before === undefined ? work() : before.then(work);
    const ended: Promise<void> = result.then(
      () => this.#leave(peer, ended),
      () => this.#leave(peer, ended),
    );
    this.#last.set(peer, ended);
    return result;
  }

  #leave(peer: NodeId, ended: Promise<unknown>): void {
    if (this.#last.get(peer) === ended) this.#last.delete(peer);
  }
}
