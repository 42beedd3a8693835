import { findPrice } from './price-list.ts';
import type { PriceEntry, PriceList } from './price-list.ts';

/** A name under which something is sold. */
export interface Sale {
  /** What buyers ask for. */
  readonly name: string;
  /** What the backend calls it. */
  readonly backendModel: string;
  readonly entry: PriceEntry;
}

/** The entries that count for their exact ids: others of the same id, in later lists or below, are overridden with all they say. */
export const aliasedEntries = (lists: readonly PriceList[]): PriceEntry[] =>
  lists
    .flatMap(({ entries }) => entries)
    .filter((entry) => entry.aliases !== undefined && findPrice(lists, entry.pattern) === entry);

/**
 * What is sold under a name: an alias before a model's own id, so that the owner's word counts whatever a backend has.
 * Undefined: nothing. Whether a backend has the model is another question.
 */
export function findSale(lists: readonly PriceList[], name: string): Sale | undefined {
  const aliased = aliasedEntries(lists).find(({ aliases }) => aliases?.includes(name));
  if (aliased !== undefined) return { name, backendModel: aliased.pattern, entry: aliased };
  const entry = findPrice(lists, name);
  return entry && { name, backendModel: name, entry };
}

/** All that can be sold when backends have these models: under their ids and aliases, sorted by name. */
export function salesOf(lists: readonly PriceList[], models: readonly string[]): Sale[] {
  const installed = new Set(models);
  const names = new Set([...models, ...aliasedEntries(lists).flatMap(({ aliases = [] }) => aliases)]);
  return [...names]
    .toSorted()
    .map((name) => findSale(lists, name))
    .filter((sale) => sale !== undefined && installed.has(sale.backendModel)) as Sale[];
}
