import type { JobKey } from '../../job/job.ts';

/** Requests that were refused or repeated, the latest few: what is still on the way for them is swallowed. */
export class RecentRefusals {
  readonly #limit: number;
  readonly #keys = new Set<JobKey>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(key: JobKey): void {
    this.#keys.add(key);
    if (this.#keys.size <= this.#limit) return;
    for (const oldest of this.#keys) {
      this.#keys.delete(oldest);
      return;
    }
  }

  delete(key: JobKey): void {
    this.#keys.delete(key);
  }

  has(key: JobKey): boolean {
    return this.#keys.has(key);
  }
}
