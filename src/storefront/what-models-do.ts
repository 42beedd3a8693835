import type { PoolModel } from '../backend/pool.ts';
import { hasOutput, kinds, taskKinds } from '../openai/request.ts';
import type { Capability, TaskKind } from '../openai/request.ts';
import { amountsOf } from '../pricing/model-price.ts';
import type { PriceEntry } from '../pricing/price-list.ts';

/** What is known of a model: what its backends tell, else what its price list entry says. */
const capabilitiesOf = ({ capabilities }: PoolModel, entry: PriceEntry): readonly Capability[] =>
  capabilities ?? entry.capabilities ?? ['completion'];

/** The kinds of work that a model is sold for: those that it can do, that its servers take and that its price is for. Without output something else must cost something. */
export function kindsOf(model: PoolModel, entry: PriceEntry): readonly TaskKind[] {
  const capabilities = capabilitiesOf(model, entry);
  const { input, request, minimum } = amountsOf(entry.price);
  const isInputPriced = input > 0n || request > 0n || minimum > 0n;
  return (model.taskKinds ?? taskKinds).filter(
    (taskKind) => capabilities.includes(kinds[taskKind].needs) && (hasOutput(taskKind) || isInputPriced),
  );
}

/** Why images are not sold with a model, for the buyer; undefined: they are. */
export function whyNoImages(model: PoolModel, entry: PriceEntry): string | undefined {
  if (!capabilitiesOf(model, entry).includes('vision')) return 'this model can not see images';
  return amountsOf(entry.price).image === undefined ? 'images have no price with this model' : undefined;
}
