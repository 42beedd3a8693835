import Bottleneck from 'bottleneck';

/** Admits so many at a time. */
export interface Places {
  /** Waits for a place; resolves with what leaves it again (repeatable). */
  admit(): Promise<() => void>;
}

/** bottleneck notes by the wall clock when the next job may begin: with 0, a clock that is set back by an hour shuts every place for that hour. */
const NO_REST_MS = -Infinity;

/**
 * By bottleneck: a place is one of its jobs, which ends when the place is left. No `expiration`: that would free a place whose work
 * still runs. Admitting takes some milliseconds even when there is room, so ask before the place is needed.
 */
export function createPlaces(count: number): Places {
  const limiter = new Bottleneck({ maxConcurrent: count, minTime: NO_REST_MS });
  return {
    admit: () =>
      new Promise((resolve, reject) => {
        limiter.schedule(() => new Promise<void>((leave) => resolve(leave))).catch(reject);
      }),
  };
}
