import { readFileSync } from 'node:fs';
import { openLndNode } from '../../src/lightning/lnd/lnd-node.ts';
import type { LndNode } from '../../src/lightning/lnd/lnd-node.ts';
import { LND_BUYER_METHODS, LND_SELLER_METHODS } from '../../src/lightning/lnd/methods.ts';
import type { Rig } from './rig.ts';
import { poll } from './poll.ts';

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

/** What the buyer's node owns in its channels, msat: its own side, and what is on its way in a payment. */
export async function buyersMsat({ buyer }: Rig): Promise<bigint> {
  const answer = await buyer.lncli('channelbalance');
  const { local_balance, unsettled_local_balance } = answer as Record<string, { msat: string }>;
  return BigInt(local_balance!.msat) + BigInt(unsettled_local_balance!.msat);
}

/** Ends the connection between the two lnd from both ends, since the end that did not would dial again. */
export async function takeApart({ seller, buyer }: Rig): Promise<void> {
  let since = performance.now();
  await poll('end of the connection between the nodes', 20_000, async () => {
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

/** Does `work` while the buyer's lnd is stopped (SIGSTOP), and lets it go on. */
export async function whileStandingStill({ buyer }: Rig, work: () => Promise<void>): Promise<void> {
  const pid = await buyer.pid();
  if (pid === undefined) throw new Error("the buyer's lnd does not run");
  process.kill(pid, 'SIGSTOP');
  try {
    await work();
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}
