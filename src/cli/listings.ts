import type { PriceDesk } from '../node/price-desk.ts';
import type { TaskKind } from '../openai/request.ts';
import { catalogue } from '../operator/catalogue.ts';
import type { Listing } from '../operator/catalogue.ts';
import type { PriceList } from '../pricing/price-list.ts';

/** Every model that a backend of the desk has, and every alias; with the speeds that are known. */
export function listingsOf(
  { offer, told, pooled, rate }: PriceDesk,
  lists: readonly PriceList[],
  speeds: ReadonlyMap<string, number> = new Map(),
): Listing[] {
  const kindsOf = (name: string) => offer.taskKinds.filter((taskKind) => offer.models(taskKind).includes(name));
  const onSale = new Map(offer.models().map((name) => [name, kindsOf(name)]));
  return catalogue({ lists, told, pooled, onSale, ...(rate && { ratedCurrency: rate.currency }), speeds });
}

/** Why a model can not be had for this kind of work. Undefined: it can. */
export function whyNotFor(
  model: string,
  taskKind: TaskKind,
  desk: PriceDesk,
  lists: readonly PriceList[],
): string | undefined {
  const listing = listingsOf(desk, lists).find((one) => one.model === model);
  if (listing === undefined) {
    const isAnyAway = desk.told.some(({ fault }) => fault !== undefined);
    return `no backend ${isAnyAway ? 'that answers ' : ''}has ${model}`;
  }
  if (listing.whyNot !== undefined) return listing.whyNot;
  if (listing.taskKinds.includes(taskKind)) return undefined;
  return `not for ${shortKind(taskKind)}, but for ${listing.taskKinds.map(shortKind).join(', ')}`;
}

/** `openai.chat_completions.v1` is a chat to whoever asks for one with quote. */
export const shortKind = (taskKind: string): string => (taskKind.split('.')[1] ?? taskKind).replace('_completions', '');
