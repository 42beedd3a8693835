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

const aliasesByLists = new WeakMap<readonly PriceList[], ReadonlyMap<string, PriceEntry>>();

/** Every alias and the entry of its model; found once for the same lists, since each request asks. */
export function aliasesIn(lists: readonly PriceList[]): ReadonlyMap<string, PriceEntry> {
  const known = aliasesByLists.get(lists);
  if (known !== undefined) return known;
  const pairs = aliasedEntries(lists).flatMap((entry) =>
    (entry.aliases ?? []).map((alias): [string, PriceEntry] => [alias, entry]),
  );
  const aliases = new Map(pairs);
  aliasesByLists.set(lists, aliases);
  return aliases;
}

/**
 * What is sold under a name: an alias before a model's own id, so that the owner's word counts whatever a backend has.
 * Undefined: nothing. Whether a backend has the model is another question.
 */
export function findSale(lists: readonly PriceList[], name: string): Sale | undefined {
  const aliased = aliasesIn(lists).get(name);
  if (aliased !== undefined) return { name, backendModel: aliased.pattern, entry: aliased };
  const entry = findPrice(lists, name);
  return entry && { name, backendModel: name, entry };
}

/** All that can be sold when backends have these models: under their ids and aliases, sorted by name. */
export function salesOf(lists: readonly PriceList[], models: readonly string[]): Sale[] {
  const installed = new Set(models);
  const names = new Set([...models, ...aliasesIn(lists).keys()]);
  return [...names].toSorted().flatMap((name) => {
    const sale = findSale(lists, name);
    return sale !== undefined && installed.has(sale.backendModel) ? [sale] : [];
  });
}
