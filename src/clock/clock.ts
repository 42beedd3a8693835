/** Time as a part that can be replaced: real in the product, driven by hand in tests and simulation. */
export interface Clock {
  /** Unix time in milliseconds. */
  nowMs(): number;
  /** Calls `ring` once `delayMs` from now; the returned function takes it back. Never keeps the process alive by itself. */
  timer(delayMs: number, ring: () => void): () => void;
}

/** Longest delay that Node's timers take (2^31 − 1 ms, 24.8 days); a longer one would ring at once. */
const LONGEST_DELAY_MS = 2_147_483_647;

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  timer: (delayMs, ring) => {
    let handle: NodeJS.Timeout;
    const wait = (leftMs: number): void => {
      const laterMs = leftMs - LONGEST_DELAY_MS;
      handle = laterMs > 0 ? setTimeout(() => wait(laterMs), LONGEST_DELAY_MS) : setTimeout(ring, Math.max(0, leftMs));
      handle.unref();
    };
    wait(delayMs);
    return () => clearTimeout(handle);
  },
};
