import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/clock/clock.ts';
import { msat } from '../../src/money/msat.ts';
import { codeOf, lightningContract, Told } from '../lightning/contract.ts';
import { FakeNetwork } from './fake-network.ts';
import { unavailable } from './fake-node.ts';
import { ManualClock, turn } from './manual-clock.ts';

lightningContract('the fake node', async () => {
  const network = new FakeNetwork(systemClock);
  let seller = network.open('seller');
  const buyer = network.open('buyer');
  network.connect(seller.nodeId, buyer.nodeId);
  return {
    seller,
    buyer,
    restartSeller: async () => {
      await seller.close();
      return (seller = network.open('seller'));
    },
    disconnect: async () => network.disconnect(seller.nodeId, buyer.nodeId),
    reconnect: async () => network.connect(seller.nodeId, buyer.nodeId),
    outlastHolds: async () => {
      const isHeld = ({ state }: { state: string }) => state === 'held';
      for (const { paymentHash } of seller.account.invoices().filter(isHeld)) seller.expireHold(paymentHash);
    },
    buyerFunds: async () => buyer.account.outboundMsat,
    close: async () => {
      await Promise.all([seller.close(), buyer.close()]);
    },
  };
});

describe('the fake node, where it lies on purpose,', () => {
  test('fails the calls that it is told to fail, and no others', async () => {
    const network = new FakeNetwork(new ManualClock());
    const node = network.open('seller');
    node.faults.cancelInvoice = unavailable;
    expect(await codeOf(node.cancelInvoice('00'.repeat(32)))).toBe('unavailable');
    expect(await codeOf(node.lookUpInvoice('00'.repeat(32)))).toBe('no error');
  });

  test('is silent about watched invoices while it is away, and tells their state when it is back', async () => {
    const network = new FakeNetwork(new ManualClock());
    const [node, buyer] = [network.open('seller'), network.open('buyer')];
    const told = new Told(node);
    await node.start(0n);
    const order = { preimage: '11'.repeat(32), descriptionHash: '22'.repeat(32), amountMsat: msat(5000), hold: true };
    const { paymentHash, paymentRequest } = await node.createInvoice({ ...order, expiresAtS: 2_000_000_000 });
    node.watchInvoice(paymentHash);
    const back = node.outage();
    const outcome = codeOf(buyer.pay({ paymentRequest, maxFeeMsat: msat(0), timeoutMs: 1 }));
    await turn();
    expect(told.invoices).toEqual([]);
    back();
    expect(told.statesOf(paymentHash)).toEqual(['held']);
    node.expireHold(paymentHash);
    expect(await outcome).toBe('payment-failed');
    await turn();
    expect(told.statesOf(paymentHash)).toEqual(['held', 'cancelled']);
    expect(node.watches).toBe(0);
  });

  test('loses what was on its way when the connection broke', async () => {
    const network = new FakeNetwork(new ManualClock());
    const [from, to] = [network.open('from'), network.open('to')];
    const told = new Told(to);
    await to.start(0n);
    network.connect(from.nodeId, to.nodeId);
    await turn();
    await from.sendMessage(to.nodeId, 42_081, Buffer.from('lost'));
    network.disconnect(from.nodeId, to.nodeId);
    network.connect(from.nodeId, to.nodeId);
    await from.sendMessage(to.nodeId, 42_081, Buffer.from('arrives'));
    await turn();
    expect(told.messages.map(({ payload }) => Buffer.from(payload).toString())).toEqual(['arrives']);
  });
});
