import type { Logger } from 'pino';
import type { Clock } from '../clock/clock.ts';
import { decimalText } from '../money/decimal.ts';
import type { Nano } from '../money/decimal.ts';
import type { Rate } from '../pricing/rate.ts';
import type { RateSource } from './rate-source.ts';
import { RateError } from './read-rate.ts';
import type { Figure } from './read-rate.ts';

export interface PolledRateOptions {
  readonly currency: string;
  /** For the reader of a price: where the figure comes from. */
  readonly source: string;
  /** Rejects with RateError. The signal is aborted when it takes too long, or nobody wants it any more. */
  readonly read: (signal: AbortSignal) => Promise<Figure>;
  /** From one look to the next. */
  readonly everyMs: number;
  readonly timeoutMs: number;
  /** An older figure is none. */
  readonly staleMs: number;
  /** Figures outside of these bounds are not believed. */
  readonly bounds: { readonly min?: Nano; readonly max?: Nano };
  readonly clock: Clock;
  readonly log: Logger;
}

/** A rate that is looked up again and again, beside the quotes: none waits for it. Of looks that fail the last figure stays, until it is stale. */
export class PolledRate implements RateSource {
  readonly #options: PolledRateOptions;
  readonly #listeners = new Set<() => void>();
  #figure: Figure | undefined;
  /** What log and listeners know; undefined: nothing yet. */
  #wasThere: boolean | undefined;
  #lastFault: string | undefined;
  #cancelNext: (() => void) | undefined;
  #cancelStale: (() => void) | undefined;
  #abort: AbortController | undefined;
  #isClosed = false;

  constructor(options: PolledRateOptions) {
    this.#options = options;
  }

  rate(): Rate | undefined {
    const { currency, source } = this.#options;
    return this.#figure === undefined || this.#isStale(this.#figure)
      ? undefined
      : { currency, source, ...this.#figure };
  }

  onChanged(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async start(): Promise<void> {
    const { everyMs, clock } = this.#options;
    await this.#look();
    if (!this.#isClosed) this.#cancelNext = clock.timer(everyMs, () => void this.start());
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelNext?.();
    this.#cancelStale?.();
    this.#abort?.abort();
  }

  async #look(): Promise<void> {
    const { read, clock, timeoutMs } = this.#options;
    const abort = (this.#abort = new AbortController());
    const cancelLimit = clock.timer(timeoutMs, () => abort.abort());
    try {
      const figure = await read(abort.signal);
      this.#check(figure);
      this.#figure = figure;
      this.#lastFault = undefined;
    } catch (error) {
      if (!this.#isClosed) this.#warn(error instanceof RateError ? error.message : String(error));
    } finally {
      cancelLimit();
    }
    this.#tell();
  }

  #check(figure: Figure): void {
    const { bounds, currency } = this.#options;
    const { nanoPerBitcoin } = figure;
    if (nanoPerBitcoin < (bounds.min ?? 0n) || (bounds.max !== undefined && nanoPerBitcoin > bounds.max))
      throw new RateError(
        `${decimalText(nanoPerBitcoin)} ${currency} for a bitcoin is outside of pricing.rate.min_per_bitcoin and max_per_bitcoin`,
      );
    if (this.#isStale(figure)) throw new RateError('its figure is older than pricing.rate.stale_seconds');
  }

  #isStale({ atMs }: Figure): boolean {
    return this.#options.clock.nowMs() - atMs >= this.#options.staleMs;
  }

  /** Once for each kind of fault: a server that is away all night is no news every minute. */
  #warn(fault: string): void {
    const { log, source, currency } = this.#options;
    if (fault === this.#lastFault) return;
    this.#lastFault = fault;
    log.warn({ source, currency, reason: fault }, 'no new exchange rate; the last one counts until it is stale');
  }

  #tell(): void {
    if (this.#isClosed) return;
    const { clock, log, currency, source, staleMs } = this.#options;
    this.#cancelStale?.();
    const rate = this.rate();
    if (rate !== undefined) this.#cancelStale = clock.timer(rate.atMs + staleMs - clock.nowMs(), () => this.#tell());
    const isThere = rate !== undefined;
    if (isThere === this.#wasThere) return;
    this.#wasThere = isThere;
    if (isThere)
      log.info({ source, currency, per_bitcoin: decimalText(rate.nanoPerBitcoin) }, 'exchange rate is there');
    else
      log.error(
        { source, currency },
        `no exchange rate: models priced in ${currency} are not for sale until there is one; look after what pricing.rate names`,
      );
    for (const listener of this.#listeners) listener();
  }
}
