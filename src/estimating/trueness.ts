import type { Count } from './estimator.ts';

export interface TruenessFigures {
  /** Finished jobs that were compared. */
  readonly jobs: number;
  /** Mean of |counted − actual| / actual, of the latest jobs more than of old ones. */
  readonly meanError: number;
}

/** How much of the mean the newest job is. */
const NEWEST = 0.1;
const JOBS_BEFORE_ALARM = 10;
/** From this mean on the operator is told: an exact count is never off, and who counts by a convention knows that it is. */
const ALARM: Readonly<Record<Count['accuracy'], number>> = {
  exact: 0.005,
  estimate: 0.15,
  bound: Infinity,
  convention: Infinity,
};

/** Compares counts with what backends said afterwards. */
export class Trueness {
  #jobs = 0;
  #meanError = 0;
  #isAlarmed = false;

  /** True: the mean has just become too large. */
  add(countedTokens: number, accuracy: Count['accuracy'], actualTokens: number): boolean {
    const error = Math.abs(countedTokens - actualTokens) / Math.max(1, actualTokens);
    this.#jobs++;
    this.#meanError += (error - this.#meanError) * Math.max(NEWEST, 1 / this.#jobs);
    const wasAlarmed = this.#isAlarmed;
    this.#isAlarmed = this.#jobs >= JOBS_BEFORE_ALARM && this.#meanError > ALARM[accuracy];
    return this.#isAlarmed && !wasAlarmed;
  }

  figures(): TruenessFigures {
    return { jobs: this.#jobs, meanError: this.#meanError };
  }
}
