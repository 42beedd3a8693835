import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LightningError } from '../../src/lightning/lightning.ts';
import type { CreatedInvoice } from '../../src/lightning/lightning.ts';
import { msat } from '../../src/money/msat.ts';
import { codeOf, eventually } from './contract.ts';
import { partyInChild, partyInProcess } from './embedded/parties.ts';
import type { Party } from './embedded/parties.ts';

// A payment (invoice made, paid, settled; or held, and then taken or given back), during which one side crashes at its n-th write boundary and comes back from disk, while the
// other side lives on. EMBEDDED_CRASH=all tries every boundary in both ways; otherwise every fifth by exception, and few by SIGKILL.
// A boundary: before a transaction, after each statement, after the commit, after the bytes have gone out.
// Not covered: power loss (SQLite's promise), crashes of both sides at once, and while a channel is opened.
const ALL = process.env['EMBEDDED_CRASH'] === 'all';
const AMOUNT_MSAT = 3_000_000; // above the dust limit: a real HTLC

/** Repeats a call until the node has come back. */
async function persist<T>(call: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + 20_000;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      const again = error instanceof LightningError && ['unavailable', 'payment-unknown'].includes(error.code);
      if (!again || performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

const outbound = async (party: Party): Promise<bigint> => {
  const channels = await persist(() => party.call('channels'));
  expect(channels).toHaveLength(1); // not closed
  return channels[0]!.outboundMsat;
};

const usable = (party: Party): Promise<boolean> =>
  persist(async () => (await party.call('channels')).some((channel) => channel.usable));

/** How a payment ends. */
type Ending = 'settled at once' | 'held and taken' | 'held and given back';

interface Kind {
  readonly party: typeof partyInProcess;
  /** Boundaries between two that are tried, and the most that are. */
  readonly step: number;
  readonly most: number;
}

async function crashEverywhere(
  victimName: 'seller' | 'buyer',
  { party, step, most }: Kind,
  ending: Ending = 'settled at once',
): Promise<string[]> {
  const directory = await mkdtemp(join(tmpdir(), 'embedded-crash-'));
  const open = (name: string, port?: number) =>
    (name === victimName ? party : partyInProcess)(join(directory, name), port);
  const seller = await open('seller', 0);
  const buyer = await open('buyer');
  const victim = victimName === 'seller' ? seller : buyer;
  const survived: string[] = [];
  try {
    await buyer.call('connectPeer', seller.nodeId, seller.address);
    await buyer.call('openChannel', seller.nodeId, 10_000_000n, msat(1_000_000_000));
    for (let boundary = 1, tries = 0; tries < most; boundary += step, tries++) {
      await eventually('the channel is usable', async () => (await usable(seller)) && (await usable(buyer)));
      const before = { seller: await outbound(seller), buyer: await outbound(buyer), crashes: victim.crashes };
      await victim.call('arm', boundary);
      const invoice = {
        preimage: randomBytes(32).toString('hex'),
        descriptionHash: randomBytes(32).toString('hex'),
        amountMsat: msat(AMOUNT_MSAT),
        expiresAtS: Math.floor(Date.now() / 1000) + 3600,
        hold: ending !== 'settled at once',
      };
      const { paymentRequest, paymentHash } = await persist<CreatedInvoice>(() =>
        seller.call('createInvoice', invoice),
      );
      const pay = () => buyer.call('pay', { paymentRequest, maxFeeMsat: msat(0), timeoutMs: 20_000 });
      const paying = codeOf(persist(pay));
      const stateBecomes = (wanted: string) =>
        eventually(wanted, async () => {
          const state = await persist(() => seller.call('lookUpInvoice', paymentHash));
          return state?.state === wanted;
        });
      if (invoice.hold) await stateBecomes('held');
      if (ending === 'held and taken') await persist(() => seller.call('settleInvoice', invoice.preimage));
      if (ending === 'held and given back') await persist(() => seller.call('cancelInvoice', paymentHash));
      const isPaid = ending !== 'held and given back';
      expect(await paying).toBe(isPaid ? 'no error' : 'payment-failed');
      await stateBecomes(isPaid ? 'settled' : 'cancelled');
      const moved = isPaid ? BigInt(AMOUNT_MSAT) : 0n;
      await eventually('the money has moved once, or not at all', async () => {
        const after = { seller: await outbound(seller), buyer: await outbound(buyer) };
        return after.seller === before.seller + moved && after.buyer === before.buyer - moved;
      });
      expect(await persist(() => seller.call('lookUpInvoice', paymentHash))).toEqual(
        isPaid ? { state: 'settled', receivedMsat: BigInt(AMOUNT_MSAT) } : { state: 'cancelled' },
      );
      await persist(() => victim.call('arm', 0));
      if (isPaid) expect(await persist(pay)).toEqual({ preimage: invoice.preimage, feeMsat: 0n });
      expect([...seller.warnings, ...buyer.warnings]).toEqual([]);
      if (victim.crashes === before.crashes) break; // the payment has fewer boundaries than that
      survived.push(`${boundary}: ${victim.boundaries.at(-1) ?? 'killed'}`);
    }
  } finally {
    await Promise.all([seller.close(), buyer.close()]);
    await rm(directory, { recursive: true, force: true });
  }
  return survived;
}

const byException: Kind = { party: partyInProcess, step: ALL ? 1 : 5, most: Infinity };
const bySigkill: Kind = { party: partyInChild, step: ALL ? 1 : 7, most: ALL ? Infinity : 3 };

describe('a crash of the embedded node', { timeout: ALL ? 600_000 : 60_000 }, () => {
  it.each(['seller', 'buyer'] as const)(
    'of the %s, by exception, loses neither channel nor payment',
    async (victim) => {
      const survived = await crashEverywhere(victim, byException);
      if (ALL) process.stderr.write(`${victim}, by exception: ${survived.join(', ')}\n`);
      expect(survived.length).toBeGreaterThan(ALL ? 15 : 3);
    },
  );

  it.each(['seller', 'buyer'] as const)('of the %s, by SIGKILL, loses neither channel nor payment', async (victim) => {
    const survived = await crashEverywhere(victim, bySigkill);
    if (ALL) process.stderr.write(`${victim}, by SIGKILL: ${survived.join(', ')}\n`);
    expect(survived.length).toBeGreaterThanOrEqual(ALL ? 15 : 3);
  });

  describe.each(['held and taken', 'held and given back'] as const)('during a payment that is %s', (ending) => {
    it.each(['seller', 'buyer'] as const)(
      'of the %s, by exception, loses neither channel nor payment',
      async (victim) => {
        const survived = await crashEverywhere(victim, byException, ending);
        if (ALL) process.stderr.write(`${victim}, ${ending}, by exception: ${survived.join(', ')}\n`);
        expect(survived.length).toBeGreaterThan(ALL ? 15 : 3);
      },
    );

    it('of the seller, by SIGKILL, loses neither channel nor payment', async () => {
      const survived = await crashEverywhere('seller', bySigkill, ending);
      if (ALL) process.stderr.write(`seller, ${ending}, by SIGKILL: ${survived.join(', ')}\n`);
      expect(survived.length).toBeGreaterThanOrEqual(ALL ? 15 : 3);
    });
  });
});
