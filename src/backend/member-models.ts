import { fitsPattern } from '../pricing/price-list.ts';
import type { BackendModel, TaskKind } from './backend.ts';
import type { PoolMember } from './pool.ts';

/** What is known of the models of one backend: those that it told of last, and what jobs and loads did to them since. */
export class MemberModels {
  readonly #patterns: readonly string[] | undefined;
  readonly #loadedModels: number;
  readonly #tellsWarmth: boolean;
  /** Models of the jobs that run on it, each as often as there are. */
  readonly #running: string[] = [];
  /** Loaded since it was asked last, and before: until it has answered they are taken to be warm still. */
  readonly #used = new Set<string>();
  readonly #usedBefore = new Set<string>();
  #told: readonly BackendModel[] | undefined;

  constructor({ backend, models, loadedModels = 1 }: PoolMember) {
    this.#patterns = models;
    this.#loadedModels = loadedModels;
    this.#tellsWarmth = backend.warm !== undefined;
  }

  /** As it last told, without what the configuration leaves out; what was used since is warm. */
  get list(): readonly BackendModel[] {
    const models = (this.#told ?? []).filter(({ id }) => this.#fits(id));
    return models.map((model) => (this.#wasUsed(model.id) ? { ...model, warm: true } : model));
  }

  /** For this kind of work, or any. */
  has(model: string, taskKind?: TaskKind): boolean {
    const told = this.#fits(model) ? this.#told?.find(({ id }) => id === model) : undefined;
    return told !== undefined && (taskKind === undefined || (told.taskKinds?.includes(taskKind) ?? true));
  }

  /** True also when it has not told its models yet. */
  mayHave(model: string, taskKind?: TaskKind): boolean {
    return this.#told === undefined ? this.#fits(model) : this.has(model, taskKind);
  }

  /** It says that the model is not in memory, and can load it; or may have to give it up for the one that is `loading`. */
  isCold(model: string, loading: string | undefined): boolean {
    if (!this.#tellsWarmth) return false;
    if (loading !== undefined && loading !== model && this.#isFull) return true;
    return !this.#wasUsed(model) && this.#told?.find(({ id }) => id === model)?.warm === false;
  }

  /** Whether this one can be loaded without giving up another that runs or is owed: none is, or nothing has to be given up. */
  hasRoomFor(model: string, owed: ReadonlySet<string>): boolean {
    const isNeeded = [...this.#running, ...owed].some((other) => other !== model && this.has(other));
    return !isNeeded || !this.#isFull;
  }

  runBegins(model: string): void {
    this.#running.push(model);
  }

  runEnds(model: string): void {
    this.#running.splice(this.#running.indexOf(model), 1);
  }

  /** It was loaded just now, or ran. */
  used(model: string): void {
    this.#used.add(model);
  }

  /** The backend is asked: what it answers counts for all that was used before. */
  asked(): void {
    for (const model of this.#used) this.#usedBefore.add(model);
    this.#used.clear();
  }

  told(models: readonly BackendModel[]): void {
    this.#told = models;
    this.#usedBefore.clear();
  }

  /** No other model fits into its memory beside those that are there. */
  get #isFull(): boolean {
    const warm = new Set(this.list.flatMap(({ id, digest = id, warm }) => (warm === true ? [digest] : [])));
    return warm.size >= this.#loadedModels;
  }

  #wasUsed(model: string): boolean {
    return this.#used.has(model) || this.#usedBefore.has(model);
  }

  #fits(model: string): boolean {
    return this.#patterns === undefined || this.#patterns.some((pattern) => fitsPattern(pattern, model));
  }
}
