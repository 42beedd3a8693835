import { dirname, resolve } from 'node:path';
import { currencyOf } from '../pricing/model-price.ts';
import { findPrice } from '../pricing/price-list.ts';
import type { PriceEntry, PriceList } from '../pricing/price-list.ts';
import { aliasedEntries } from '../pricing/sale.ts';
import type { Environment } from './expansion.ts';
import { ownPrices } from './go-lcpd.ts';
import { readPriceLists } from './price-list-files.ts';
import type { Breach, Path, Problem } from './problem.ts';
import type { WrittenConfig } from './schema.ts';
import type { Tree } from './tree.ts';

/** All prices: what the configuration says of single models, then its price lists. */
export interface PriceBook {
  /** In the order in which they count, for `findPrice` and `findSale`. */
  readonly lists: readonly PriceList[];
  /** What is wrong in the lists, each with its file. */
  readonly problems: readonly Problem[];
  /** What is wrong in the configuration itself. */
  readonly breaches: readonly Breach[];
}

/** Reads the price lists that the configuration names, anew each time. Problems and breaches make the whole book worthless. */
export function readPriceBook(tree: Tree, written: WrittenConfig, env: Environment): PriceBook {
  const { read, problems } = readPriceLists(tree, written.pricing.lists, env);
  const listed = read.map(({ list }) => list);
  const own = ownPrices(written, listed, dirname(resolve(tree.file)));
  const lists = own.entries.length > 0 ? [{ file: tree.file, entries: own.entries }, ...listed] : listed;
  if (problems.length > 0) return { lists, problems, breaches: [] };
  const found = [...aliasFaults(lists), ...currencyFaults(lists, written.pricing.rate?.currency)];
  const isOwn = (entry: PriceEntry): boolean => own.entries.includes(entry);
  const pathOf = ({ pattern }: PriceEntry): Path => own.paths.get(pattern) ?? [];
  return {
    lists,
    problems: found.flatMap(({ entry, at, ...fault }) => {
      const home = read.find(({ list }) => list.entries.includes(entry))?.tree;
      const path = ['models', entry.pattern, ...at];
      return home === undefined ? [] : [{ ...fault, path, position: home.position(path) }];
    }),
    breaches: [
      ...own.breaches,
      ...found.flatMap(({ entry, at, ...fault }) =>
        isOwn(entry) ? [{ ...fault, path: [...pathOf(entry), ...at] }] : [],
      ),
    ],
  };
}

interface Fault {
  readonly entry: PriceEntry;
  /** From the entry down. */
  readonly at: Path;
  readonly message: string;
  readonly cure: string;
}

/** A name means one model. */
function* aliasFaults(lists: readonly PriceList[]): Generator<Fault> {
  const entries = new Map<string, PriceEntry>();
  const priced = (name: string): PriceEntry | undefined => {
    const found = findPrice(lists, name);
    return found?.pattern === name ? found : undefined;
  };
  const fileOf = (entry: PriceEntry) => lists.find((list) => list.entries.includes(entry))?.file;
  for (const entry of aliasedEntries(lists)) {
    for (const [index, alias] of (entry.aliases ?? []).entries()) {
      const other = entries.get(alias);
      const model = priced(alias);
      const there = (one: PriceEntry): string => (fileOf(one) === fileOf(entry) ? '' : ` in ${fileOf(one)}`);
      const fault = (message: string, cure: string): Fault => ({ entry, at: ['aliases', index], message, cure });
      if (entry.pattern.includes('*'))
        yield fault(
          'an alias stands for one model, and * for many',
          'give the alias to a single model by its exact id',
        );
      else if (other !== undefined)
        yield fault(`${other.pattern}${there(other)} has this alias too`, 'keep one of the two');
      else if (model !== undefined)
        yield fault(
          `a model of this name has a price of its own${there(model)}`,
          'choose another alias, or take that model away',
        );
      entries.set(alias, entry);
    }
  }
}

/** Prices in a currency need its rate; said once for each list. */
function* currencyFaults(lists: readonly PriceList[], known: string | undefined): Generator<Fault> {
  for (const { entries } of lists) {
    const entry = entries.find(({ price }) => ![undefined, known].includes(currencyOf(price)));
    if (entry === undefined) continue;
    const currency = currencyOf(entry.price);
    const told = known === undefined ? 'nothing tells' : `pricing.rate tells ${known}, not`;
    yield {
      entry,
      at: ['price'],
      message: `this price is in ${currency}, and ${told} what a bitcoin costs in ${currency}`,
      cure: `add pricing.rate to the configuration, with currency: ${currency} and a source; or price it in sat`,
    };
  }
}
