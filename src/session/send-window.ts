/** Lets at most `width` sends be in flight at once; the others wait in order. */
export class SendWindow {
  readonly #width: number;
  readonly #waiting: (() => void)[] = [];
  #inFlight = 0;

  constructor(width: number) {
    this.#width = width;
  }

  async run<T>(send: () => Promise<T>): Promise<T> {
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
