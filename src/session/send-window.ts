import { LightningError } from '../lightning/lightning.ts';

/** Lets at most `width` sends be in flight at once; the others wait in order, and beyond `waiting` of them are refused. */
export class SendWindow {
  readonly #width: number;
  readonly #mayWait: number;
  readonly #waiting: (() => void)[] = [];
  #inFlight = 0;

  constructor(width: number, waiting: number) {
    this.#width = width;
    this.#mayWait = waiting;
  }

  /** Rejects with what `send` rejects with, or with LightningError `unavailable` when too many wait. */
  async run<T>(send: () => Promise<T>): Promise<T> {
    if (this.#waiting.length >= this.#mayWait)
      throw new LightningError('unavailable', 'too many messages wait for this peer');
    if (this.#inFlight >= this.#width) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#inFlight++;
    try {
      return await send();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#inFlight--;
      else next(); // hands its place over
    }
  }
}
