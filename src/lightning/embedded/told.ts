import type { LightningListener, NodeId } from '../lightning.ts';

type Telling = (listener: LightningListener) => void;

/** Messages that arrive before the node is started wait, up to this many. */
const MAX_EARLY = 10_000;

/** Tells the listeners what happened, in order, after it has been committed. */
export class Told {
  readonly #listeners = new Set<LightningListener>();
  readonly #log: (message: string) => void;
  #pending: Telling[] = [];
  #early: Telling[] | undefined = [];

  constructor(log: (message: string) => void) {
    this.#log = log;
  }

  listen(listener: LightningListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Queues something for the next flush. */
  push(telling: Telling): void {
    this.#pending.push(telling);
  }

  /** Only messages wait for the start: peers, and settlements after the cursor, are told by it anyhow. */
  message(peer: NodeId, type: number, payload: Uint8Array): void {
    const telling: Telling = (listener) => listener.message?.(peer, type, payload);
    if (this.#early === undefined) this.#pending.push(telling);
    else if (this.#early.length < MAX_EARLY) this.#early.push(telling);
    else this.#log('a message that arrived before the node was started has been dropped');
  }

  /** Whether `start` has been called. */
  get started(): boolean {
    return this.#early === undefined;
  }

  /** Tells `first`, and then what waited. */
  start(first: readonly Telling[]): void {
    this.#pending = [...first, ...(this.#early ?? [])];
    this.#early = undefined;
  }

  flush(): void {
    if (!this.started) {
      this.#pending = [];
      return;
    }
    while (this.#pending.length > 0) {
      const tellings = this.#pending;
      this.#pending = [];
      for (const telling of tellings) for (const listener of this.#listeners) this.#tell(telling, listener);
    }
  }

  #tell(telling: Telling, listener: LightningListener): void {
    try {
      telling(listener);
    } catch (error) {
      this.#log(`a listener threw: ${String(error)}`);
    }
  }
}
