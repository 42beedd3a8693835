import type { BackendModel } from '../backend/backend.ts';
import type { TaskKind } from '../openai/request.ts';
import { currencyOf } from '../pricing/model-price.ts';
import type { PriceEntry, PriceList } from '../pricing/price-list.ts';
import { aliasesIn, findSale } from '../pricing/sale.ts';

/** A model, or an alias of one: for sale, or why not. */
export interface Listing {
  /** What buyers ask for. */
  readonly model: string;
  /** As the backend calls it, where that is another name. */
  readonly backendModel?: string;
  /** Names of the backends that have it. */
  readonly backends: readonly string[];
  readonly isOnSale: boolean;
  /** What it is sold for. */
  readonly taskKinds: readonly TaskKind[];
  /** Absent: it is for sale. */
  readonly whyNot?: string;
  /** Absent: it has no price. */
  readonly entry?: PriceEntry;
  /** Where the price stands. */
  readonly priceList?: { readonly file: string; readonly pattern: string };
  readonly contextTokens?: number;
  readonly warm?: boolean;
  readonly tokensPerSecond?: number;
}

export interface CatalogueParts {
  readonly lists: readonly PriceList[];
  /** What each backend says that it has. */
  readonly told: readonly { readonly backend: string; readonly models: readonly BackendModel[] }[];
  /** Of those, what the configuration does not leave out. */
  readonly pooled: readonly string[];
  /** What each name can be had for now. */
  readonly onSale: ReadonlyMap<string, readonly TaskKind[]>;
  /** The currency whose rate is known. */
  readonly ratedCurrency?: string;
  /** By the backend's name of the model. */
  readonly speeds: ReadonlyMap<string, number>;
}

/** Every model that a backend has, and every alias: what is for sale first, then by name. Pure. */
export function catalogue({ lists, told, pooled, onSale, ratedCurrency, speeds }: CatalogueParts): Listing[] {
  const installed = told.flatMap(({ models }) => models.map(({ id }) => id));
  const names = new Set([...installed, ...aliasesIn(lists).keys()]);
  const listings = [...names].toSorted().map((name): Listing => {
    const sale = findSale(lists, name);
    const backendModel = sale?.backendModel ?? name;
    const holders = told.filter(({ models }) => models.some(({ id }) => id === backendModel));
    const taskKinds = onSale.get(name) ?? [];
    const isOnSale = taskKinds.length > 0;
    const entry = sale?.entry;
    const home = entry && lists.find(({ entries }) => entries.includes(entry));
    const speed = speeds.get(backendModel);
    return {
      model: name,
      ...(backendModel !== name && { backendModel }),
      backends: holders.map(({ backend }) => backend),
      isOnSale,
      taskKinds,
      ...(!isOnSale && {
        whyNot: whyNot(entry, backendModel, {
          isInstalled: holders.length > 0,
          isPooled: pooled.includes(backendModel),
          rated: ratedCurrency,
        }),
      }),
      ...(entry && home && { entry, priceList: { file: home.file, pattern: entry.pattern } }),
      ...about(holders.flatMap(({ models }) => models.filter(({ id }) => id === backendModel))),
      ...(speed !== undefined && { tokensPerSecond: speed }),
    };
  });
  return [...listings.filter(({ isOnSale }) => isOnSale), ...listings.filter(({ isOnSale }) => !isOnSale)];
}

function whyNot(
  entry: PriceEntry | undefined,
  model: string,
  { isInstalled, isPooled, rated }: { isInstalled: boolean; isPooled: boolean; rated: string | undefined },
): string {
  if (!isInstalled) return `no backend has ${model}`;
  if (entry === undefined) return 'no price: neither llm.models nor a price list knows it';
  const currency = currencyOf(entry.price);
  if (currency !== undefined && currency !== rated) return `no exchange rate of ${currency}`;
  return isPooled
    ? 'its price or its estimators are for no work that it can do at its backends'
    : 'left out by the models of its backend in the configuration';
}

/** What the backends tell of one model: any of them may serve it. */
function about(models: readonly BackendModel[]): Pick<Listing, 'contextTokens' | 'warm'> {
  const contexts = models.flatMap(({ contextTokens }) => contextTokens ?? []);
  const warmths = models.flatMap(({ warm }) => warm ?? []);
  return {
    ...(contexts.length > 0 && { contextTokens: Math.min(...contexts) }),
    ...(warmths.length > 0 && { warm: warmths.includes(true) }),
  };
}
