import { readFileSync } from 'node:fs';
import { openLndNode } from '../../src/lightning/lnd/lnd-node.ts';
import type { LndNode } from '../../src/lightning/lnd/lnd-node.ts';
import { LND_BUYER_METHODS, LND_SELLER_METHODS } from '../../src/lightning/lnd/methods.ts';
import type { Rig } from './rig.ts';
import { until } from './until.ts';

/** How long both ends must have been apart: longer than lnd waits at most before it dials again (`--maxbackoff`). */
const apartForMs = 1_500;

/** The buyer's lnd of the rig through our driver, with a macaroon that allows what the driver calls. Not started. */
export async function openBuyerLnd({ buyer }: Rig): Promise<LndNode> {
  const methods = [...LND_SELLER_METHODS, ...LND_BUYER_METHODS].map((method) => `uri:${method}`);
  return openLndNode({
    socket: buyer.grpcSocket,
    cert: readFileSync(buyer.certPath, 'utf8'),
    macaroon: String(await buyer.lncli('bakemacaroon', ...methods)),
  });
}

/** Ends the connection between the two lnd from both ends, since the end that did not would dial again. */
export async function takeApart({ seller, buyer }: Rig): Promise<void> {
  let since = performance.now();
  await until('end of the connection between the nodes', 20_000, async () => {
    for (const [of, other] of [[seller, buyer] as const, [buyer, seller] as const]) {
      const wasConnected = await of.lncli('disconnect', other.nodeId).then(
        () => true,
        () => false,
      );
      if (wasConnected) since = performance.now();
    }
    return performance.now() - since > apartForMs;
  });
}
