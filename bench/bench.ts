import type { Report as Tell } from '../test/rig/cache.ts';
import type { OwnRig } from '../test/rig/rig.ts';
import type { StandIn } from './backend.ts';
import type { Buyer } from './buyer.ts';
import type { RawSeller } from './raw.ts';
import { Seller } from './seller.ts';

/** What every measurement works with. */
export interface Bench {
  readonly rig: OwnRig;
  readonly backend: StandIn;
  readonly raw: RawSeller;
  readonly buyer: Buyer;
  /** A shorter run. */
  readonly quick: boolean;
  readonly profileDirectory: string | undefined;
  /** Progress, for eyes. */
  readonly tell: Tell;
}

/** Starts a provider and resolves when a first sale has gone through. */
export async function startSeller(bench: Bench, { withMarks = false } = {}): Promise<Seller> {
  const { rig, backend, buyer, profileDirectory } = bench;
  const seller = await Seller.start({ lnd: rig.seller, backendUrl: backend.url, withMarks, profileDirectory });
  try {
    await buyer.untilSelling();
    return seller;
  } catch (error) {
    const { errors } = seller;
    await seller[Symbol.asyncDispose]();
    throw new Error(`the provider does not sell: ${String(error)}\n${errors}`, { cause: error });
  }
}
