import type { PoolModel } from '../backend/pool.ts';
import { hasOutput, kinds, taskKinds } from '../openai/request.ts';
import type { Capability, TaskKind } from '../openai/request.ts';
import type { PriceEntry } from '../pricing/price-list.ts';

/** What is known of a model: what its backends tell, else what its price list entry says. */
const capabilitiesOf = ({ capabilities }: PoolModel, entry: PriceEntry): readonly Capability[] =>
  capabilities ?? entry.capabilities ?? ['completion'];

/** The kinds of work that a model is sold for: those that it can do and that its price is for. Without output, input or request must cost something. */
export function kindsOf(model: PoolModel, entry: PriceEntry): readonly TaskKind[] {
  const capabilities = capabilitiesOf(model, entry);
  const { inputMsatPerMtok, requestMsat } = entry.price;
  const isInputPriced = inputMsatPerMtok > 0n || requestMsat > 0n;
  return taskKinds.filter(
    (taskKind) => capabilities.includes(kinds[taskKind].needs) && (hasOutput(taskKind) || isInputPriced),
  );
}
