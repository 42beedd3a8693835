import { BackendError } from '../../src/backend/backend.ts';
import type { Backend, BackendModel } from '../../src/backend/backend.ts';

/** A backend that holds so many models in memory and tells which; what has to make room is chosen by `evict`. Loads end when a test says. */
export class MemoryBackend implements Backend {
  readonly outputCapField = 'max_tokens';
  readonly name: string;
  /** Installed. */
  stock: string[];
  readonly loaded = new Set<string>();
  /** Tells that nothing is in memory, as one that unloads at once. */
  isForgetful = false;
  asked = 0;
  readonly evicted: string[] = [];
  readonly loading = new Map<string, { end(): void; fail(): void }>();
  evict: (loaded: ReadonlySet<string>) => string | undefined = (loaded) => [...loaded][0];
  readonly #capacity: number;

  constructor(name: string, stock: readonly string[], capacity = 1) {
    this.name = name;
    this.stock = [...stock];
    this.#capacity = capacity;
  }

  run(): Promise<never> {
    return Promise.reject(new Error('not here'));
  }

  models(): Promise<BackendModel[]> {
    this.asked += 1;
    const isWarm = (id: string) => !this.isForgetful && this.loaded.has(id);
    return Promise.resolve(
      this.stock.map((id) => ({ id, warm: isWarm(id), ...(isWarm(id) && { contextTokens: 4096 }) })),
    );
  }

  async warm(model: string, signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const fail = () => reject(new BackendError('status 500', { retryable: true, status: 500 }));
      this.loading.set(model, { end: resolve, fail });
      signal.addEventListener('abort', fail, { once: true });
    }).finally(() => this.loading.delete(model));
    this.take(model);
  }

  /** Into memory, at once. */
  take(model: string): void {
    if (this.loaded.has(model)) return;
    const victim = this.loaded.size < this.#capacity ? undefined : this.evict(this.loaded);
    if (victim !== undefined) {
      this.loaded.delete(victim);
      this.evicted.push(victim);
    }
    this.loaded.add(model);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
