import type { BackendPool, PoolModel } from '../backend/pool.ts';
import type { TaskKind } from '../openai/request.ts';
import { currencyOf } from '../pricing/model-price.ts';
import type { PriceList } from '../pricing/price-list.ts';
import type { Rate } from '../pricing/rate.ts';
import { findSale, salesOf } from '../pricing/sale.ts';
import type { Sale } from '../pricing/sale.ts';
import type { Availability } from './offer.ts';
import { kindsOf } from './what-models-do.ts';

export interface ShelfOptions {
  readonly pool: Pick<BackendPool, 'models' | 'isAway'>;
  readonly lists: () => readonly PriceList[];
  readonly rate: () => Rate | undefined;
  /** False: nobody can tell how many tokens such work has. */
  readonly canCount: (taskKind: TaskKind, sale: Sale) => boolean;
}

/** What is sold under a name, and what its backend tells of it. */
interface Found {
  readonly sale: Sale;
  readonly told: PoolModel;
}

/** What can be bought at this moment: what a backend has, a price list names, can be counted, and, if it is priced in a currency, has a rate. */
export class Shelf {
  readonly #options: ShelfOptions;
  /** What models were sold for when they were last there. */
  readonly #everOnSale = new Map<string, readonly TaskKind[]>();

  constructor(options: ShelfOptions) {
    this.#options = options;
  }

  /** By name, sorted. */
  kindsByName(): ReadonlyMap<string, readonly TaskKind[]> {
    const onSale = new Map<string, readonly TaskKind[]>();
    for (const found of this.#installed()) {
      const can = this.#kindsNow(found);
      if (can !== undefined) onSale.set(found.sale.name, can);
    }
    return onSale;
  }

  /** What would be sold if it can be counted. */
  salesToCount(): { readonly sale: Sale; readonly taskKinds: readonly TaskKind[] }[] {
    return this.#installed().map((found) => ({ sale: found.sale, taskKinds: this.#pricedKinds(found) }));
  }

  availability(taskKind: TaskKind, name: string): Availability {
    const found = this.find(name);
    const now = found && this.#kindsNow(found);
    const can = now ?? (this.#isMissed(name) ? this.#everOnSale.get(name) : undefined);
    if (can === undefined) return 'not for sale';
    if (!can.includes(taskKind)) return 'for other work';
    return now === undefined ? 'away' : 'on sale';
  }

  /** Undefined: no backend has what is sold under this name, or nothing is. */
  find(name: string): Found | undefined {
    const sale = findSale(this.#options.lists(), name);
    const told = this.#options.pool.models().find(({ id }) => id === sale?.backendModel);
    return sale && told && { sale, told };
  }

  backendModel(name: string): string {
    return findSale(this.#options.lists(), name)?.backendModel ?? name;
  }

  rateOf(currency: string): Rate | undefined {
    const rate = this.#options.rate();
    return rate?.currency === currency ? rate : undefined;
  }

  #installed(): Found[] {
    const { pool, lists } = this.#options;
    const byId = new Map(pool.models().map((told) => [told.id, told]));
    return salesOf(lists(), [...byId.keys()]).flatMap((sale) => {
      const told = byId.get(sale.backendModel);
      return told === undefined ? [] : [{ sale, told }];
    });
  }

  /** Undefined: nothing of it can be bought. */
  #kindsNow(found: Found): readonly TaskKind[] | undefined {
    const can = this.#pricedKinds(found).filter((taskKind) => this.#options.canCount(taskKind, found.sale));
    if (can.length === 0) return undefined;
    this.#everOnSale.set(found.sale.name, can);
    return can;
  }

  /** What the model can do and has a price at this moment. */
  #pricedKinds({ sale: { entry }, told }: Found): readonly TaskKind[] {
    const currency = currencyOf(entry.price);
    if (currency !== undefined && this.rateOf(currency) === undefined) return [];
    return kindsOf(told, entry);
  }

  /** Its backend is away, or the rate of its currency; what was deleted, or has no price any more, is not missed. */
  #isMissed(name: string): boolean {
    const { pool, lists } = this.#options;
    const sale = findSale(lists(), name);
    if (sale === undefined) return false;
    return pool.isAway(sale.backendModel) || pool.models().some(({ id }) => id === sale.backendModel);
  }
}
