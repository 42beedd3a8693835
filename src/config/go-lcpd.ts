import { msat } from '../money/msat.ts';
import type { TokenPrice } from '../pricing/model-price.ts';
import { findPrice, type PriceEntry, type PriceList } from '../pricing/price-list.ts';
import { modelPrice, modelSettings, type WrittenModel } from './price-entry.ts';
import type { Breach, Path } from './problem.ts';
import type { WrittenConfig } from './schema.ts';

/** The one model that go-lcpd has a price for by itself. */
const BUILT_IN: ReadonlyMap<string, TokenPrice> = new Map([
  [
    'gpt-5.2',
    {
      inputMsatPerMtok: msat(1_750_000),
      cachedInputMsatPerMtok: msat(175_000),
      outputMsatPerMtok: msat(14_000_000),
      requestMsat: msat(0),
    },
  ],
]);

interface NamedModel {
  readonly id: string;
  readonly written: WrittenModel;
  readonly path: readonly (string | number)[];
}

/** The models that the file names: in go-lcpd's order of places, the first place that names any counts. */
function namedModels({ llm, supported_models, supported_llm_chat_profiles }: WrittenConfig): NamedModel[] {
  const table = (key: 'models' | 'chat_profiles'): NamedModel[] =>
    Object.entries(llm[key] ?? {}).map(([name, written]) => ({
      id: written.model?.trim() || written.profile?.trim() || name.trim(),
      written,
      path: ['llm', key, name],
    }));
  const list = (key: 'supported_models' | 'supported_llm_chat_profiles', ids: readonly string[] = []): NamedModel[] =>
    ids.map((id, index) => ({ id: id.trim(), written: {}, path: [key, index] }));
  const places = [
    table('models'),
    table('chat_profiles'),
    list('supported_models', supported_models),
    list('supported_llm_chat_profiles', supported_llm_chat_profiles),
  ];
  return places.find(({ length }) => length > 0) ?? [];
}

/** What the file itself says about models, as a price list that comes before the others, and what is wrong with it. */
export interface OwnPrices {
  readonly entries: readonly PriceEntry[];
  /** Where the file speaks of each of them. */
  readonly paths: ReadonlyMap<string, Path>;
  readonly breaches: readonly Breach[];
}

/**
 * A model's price comes from the model, else from go-lcpd's `llm.price_table`, else from the price lists, else it is go-lcpd's built-in one.
 * What the model does not say of itself otherwise comes from the price lists. Files are looked for from `directory`.
 */
export function ownPrices(written: WrittenConfig, lists: readonly PriceList[], directory: string): OwnPrices {
  const table = new Map(Object.entries(written.llm.price_table ?? {}));
  const entries = new Map<string, PriceEntry>();
  const paths = new Map<string, Path>();
  const breaches: Breach[] = [];
  for (const { id, written: model, path } of namedModels(written)) {
    const listed = findPrice(lists, id);
    const own = modelSettings(model, directory);
    const old = table.get(id);
    const price = own.price ?? (old && modelPrice(old)) ?? listed?.price ?? BUILT_IN.get(id);
    if (id === '') breaches.push({ path, message: 'a model id can not be empty', cure: 'name the model' });
    else if (entries.has(id))
      breaches.push({ path, message: 'this model is named twice', cure: 'keep one of the two' });
    else if (price === undefined)
      breaches.push({
        path,
        message: 'this model has no price, neither here nor in a price list',
        cure: 'add price: with input_msat_per_mtok and output_msat_per_mtok, or name a price list in pricing.lists that knows it',
      });
    else {
      entries.set(id, { ...listed, ...own, pattern: id, price });
      paths.set(id, path);
    }
  }
  return { entries: [...entries.values()], paths, breaches };
}

/** The old keys that the file uses, and what to write instead. */
export function* deprecations({
  llm,
  supported_models,
  supported_llm_chat_profiles,
}: WrittenConfig): Generator<Breach> {
  const old = (path: readonly string[], used: unknown, cure: string): Breach[] =>
    used === undefined ? [] : [{ path, message: 'is deprecated', cure }];
  yield* old(['supported_models'], supported_models, 'name the models and their prices in llm.models');
  yield* old(
    ['supported_llm_chat_profiles'],
    supported_llm_chat_profiles,
    'name the models and their prices in llm.models',
  );
  yield* old(['llm', 'price_table'], llm.price_table, 'move the prices to llm.models');
  yield* old(['llm', 'chat_profiles'], llm.chat_profiles, 'rename it to llm.models');
}
