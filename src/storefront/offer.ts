import type { Work } from '../job/job.ts';
import type { TaskKind } from '../openai/request.ts';
import type { PaymentMode } from '../pricing/price-list.ts';
import type { PriceBreakdown } from '../pricing/price.ts';
import type { ErrorName } from '../protocol/error-code.ts';

/** A request that was checked, counted and priced. */
export interface Priced {
  readonly work: Work;
  readonly breakdown: PriceBreakdown;
  readonly paymentMode: PaymentMode;
}

export interface Refused {
  readonly refusal: ErrorName;
  /** For the buyer's developer; never echoes the prompt. */
  readonly message: string;
}

export type Availability = 'on sale' | 'away' | 'for other work' | 'not for sale';

/** What is for sale, and for how much. */
export interface Offer {
  readonly taskKinds: readonly TaskKind[];
  /** Models that a backend has and a price list names, sorted; those that can do this kind of work, or any. */
  models(taskKind?: TaskKind): readonly string[];
  /** What backends call a model that is sold under this name. */
  backendModel(name: string): string;
  /** `away`: it was on sale for this, and its backend does not answer now. `for other work`: it is on sale, and not for this. */
  availability(taskKind: TaskKind, model: string): Availability;
  /** Checks and prices a request body. Aborting gives up the count. */
  price(taskKind: TaskKind, model: string, body: Uint8Array, signal: AbortSignal): Promise<Priced | Refused>;
}
