import { LightningError } from '../lightning.ts';
import { lightningError } from './lnd-error.ts';

/** The calls under way: every error becomes the port's, and closing ends every wait at once. */
export class Calls {
  readonly #waiting = new Map<(error: LightningError) => void, () => LightningError>();
  readonly #drained = Promise.withResolvers<void>();
  #running = 0;
  #isClosed = false;

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Runs one call. `interrupted` is what it rejects with when closed meanwhile. */
  do<T>(doing: string, run: () => Promise<T>, interrupted = () => closed(doing)): Promise<T> {
    // Not a race against one "closing" promise: that would keep a reaction of every call for as long as the node lives.
    return new Promise((resolve, reject) => {
      if (this.#isClosed) return reject(closed(doing));
      this.#waiting.set(reject, interrupted);
      this.#running++;
      run()
        .then(resolve, (error: unknown) => reject(lightningError(error, doing)))
        .finally(() => {
          this.#waiting.delete(reject);
          if (--this.#running === 0 && this.#isClosed) this.#drained.resolve();
        });
    });
  }

  /** Rejects every wait, and refuses new calls. `drained` resolves when the last call has really ended. */
  close(): { readonly drained: Promise<void> } {
    this.#isClosed = true;
    for (const [reject, interrupted] of this.#waiting) reject(interrupted());
    if (this.#running === 0) this.#drained.resolve();
    return { drained: this.#drained.promise };
  }
}

const closed = (doing: string): LightningError =>
  new LightningError('unavailable', `${doing}: this node has been closed`);
