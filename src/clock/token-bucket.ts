/** How fast something may go, and how much of it at once. */
export interface Rate {
  readonly perMinute: number;
  /** The most that gathers while nothing is taken. Default: what flows back in a minute. */
  readonly burst?: number;
}

const MINUTE_MS = 60_000;

/**
 * A bucket that fills with time. It goes by differences of the clock: a jump back adds nothing and takes nothing away, a jump ahead fills it at most once.
 */
export class TokenBucket {
  readonly #perMinute: number;
  readonly #burst: number;
  #level: number;
  #atMs: number;

  constructor({ perMinute, burst = perMinute }: Rate, nowMs: number) {
    this.#perMinute = perMinute;
    this.#burst = burst;
    this.#level = burst;
    this.#atMs = nowMs;
  }

  /** How long until this much is there; 0: now. */
  waitMs(amount: number, nowMs: number): number {
    this.#refill(nowMs);
    const missing = Math.min(amount, this.#burst) - this.#level;
    return missing <= 0 ? 0 : Math.ceil((missing * MINUTE_MS) / this.#perMinute);
  }

  /** Takes it whether it is there or not: a debt is paid back by time, and is never more than a full bucket. */
  take(amount: number, nowMs: number): void {
    this.#refill(nowMs);
    this.#level = Math.max(this.#level - amount, -this.#burst);
  }

  giveBack(amount: number): void {
    this.#level = Math.min(this.#level + amount, this.#burst);
  }

  #refill(nowMs: number): void {
    const passedMs = Math.max(0, nowMs - this.#atMs);
    this.#atMs = nowMs;
    this.giveBack((passedMs * this.#perMinute) / MINUTE_MS);
  }
}

/** A bucket for each of many; of more than `maxKeys`, the one that was not used for longest is forgotten, and so full again. */
export class TokenBuckets {
  readonly #rate: Rate;
  readonly #maxKeys: number;
  readonly #buckets = new Map<string, TokenBucket>(); // the latest used last

  constructor(rate: Rate, maxKeys = 4096) {
    this.#rate = rate;
    this.#maxKeys = maxKeys;
  }

  waitMs(key: string, amount: number, nowMs: number): number {
    return this.#of(key, nowMs).waitMs(amount, nowMs);
  }

  take(key: string, amount: number, nowMs: number): void {
    this.#of(key, nowMs).take(amount, nowMs);
  }

  giveBack(key: string, amount: number): void {
    this.#buckets.get(key)?.giveBack(amount);
  }

  /** Takes one if it is there. */
  tryOne(key: string, nowMs: number): boolean {
    const bucket = this.#of(key, nowMs);
    if (bucket.waitMs(1, nowMs) > 0) return false;
    bucket.take(1, nowMs);
    return true;
  }

  #of(key: string, nowMs: number): TokenBucket {
    const known = this.#buckets.get(key);
    const bucket = known ?? new TokenBucket(this.#rate, nowMs);
    if (known !== undefined) this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    for (const oldest of this.#buckets.keys()) {
      if (this.#buckets.size <= this.#maxKeys) break;
      this.#buckets.delete(oldest);
    }
    return bucket;
  }
}
