import type { Rate } from '../pricing/rate.ts';

/** Tells what a bitcoin costs in one currency. Drivers: fixed, file, HTTP. */
export interface RateSource {
  /** The rate of this moment, at once. Undefined: none that may be believed. */
  rate(): Rate | undefined;
  /** Calls when there is a rate where there was none, or none where there was one; the returned function ends that. */
  onChanged(listener: () => void): () => void;
  /** Resolves when it was asked for the first time, with or without success; asks again and again from then on. */
  start(): Promise<void>;
  close(): void;
}
