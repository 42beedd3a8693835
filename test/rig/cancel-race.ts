import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { isAtRest } from '../../src/job/job.ts';
import { buyersMsat } from './buyer-lnd.ts';
import type { Market } from './market.ts';
import { streamedChat } from './rig-buyer.ts';

const longestPaymentMs = 160;

/** How the races ended for the buyer. */
export type RaceEnds = { served: number; credited: number; unpaid: number };

/**
 * Pays and cancels a quote at the same moment, again and again: by turns the cancel comes some time after the payment set out, and the payment
 * right after the cancel. Expects that no race is a loss, and that the buyer's balance and the books agree to the msat.
 */
export async function raceCancels({ rig, wire, seller }: Market, races: number): Promise<RaceEnds> {
  const account = `buyer:${wire.node.nodeId}`;
  const [ownedMsat, creditMsat] = [await buyersMsat(rig), seller.books.balance(account)];
  const ends = { served: 0, credited: 0, unpaid: 0 };
  let [receivedMsat, chargedMsat] = [0n, 0n];
  for (let race = 0; race < races; race++) {
    const order = wire.order(streamedChat('standin'), race % 2 === 0 ? 2 : 3);
    const quote = await wire.quote(order);
    const cancel = async () => wire.send({ kind: 'cancel', version: order.version, jobId: order.jobId });
    const pay = () =>
      wire.pay(quote).then(
        () => true,
        (error: { code: string }) => (error.code === 'payment-failed' ? false : Promise.reject(error as never)),
      );
    const waitMs = (longestPaymentMs * race) / races;
    const both = race % 4 < 2 ? [pay(), delay(waitMs).then(cancel)] : [cancel(), pay()];
    const isPaid = (await Promise.all(both)).includes(true);
    const { status } = await wire.hear(order, 'result');
    const job = await seller.books.untilJob('job at rest', order.jobId, isAtRest);
    expect(job.receivedMsat, `race ${race}`).toBe(isPaid ? quote.priceMsat : undefined);
    expect(isPaid || status === 'cancelled', `race ${race}`).toBe(true);
    receivedMsat += job.receivedMsat ?? 0n;
    chargedMsat += job.chargeMsat ?? 0n;
    ends[!isPaid ? 'unpaid' : status === 'ok' ? 'served' : 'credited']++;
  }
  expect(ownedMsat - (await buyersMsat(rig))).toBe(receivedMsat);
  expect(seller.books.balance(account) - creditMsat).toBe(receivedMsat - chargedMsat);
  return ends;
}
