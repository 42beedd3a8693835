/** Time as a part that can be replaced: real in the product, driven by hand in tests and simulation. */
export interface Clock {
  /** Unix time in milliseconds. */
  nowMs(): number;
  /** Calls `ring` once `delayMs` from now; the returned function takes it back. Never keeps the process alive by itself. */
  timer(delayMs: number, ring: () => void): () => void;
}

/** Longest delay that Node's timers take (2^31 − 1 ms); a longer one would ring at once. */
const LONGEST_DELAY_MS = 2_147_483_647;

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  timer: (delayMs, ring) => {
    const handle = setTimeout(ring, Math.min(Math.max(0, delayMs), LONGEST_DELAY_MS));
    handle.unref();
    return () => clearTimeout(handle);
  },
};
