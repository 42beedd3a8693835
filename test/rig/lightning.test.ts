import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { LndHandle } from './rig.ts';
import { sharedRig } from './shared-rig.ts';
import { poll } from './poll.ts';

const rig = sharedRig();

async function addInvoice(at: LndHandle, amountSat: number): Promise<{ r_hash: string; payment_request: string }> {
  return (await at.lncli('addinvoice', String(amountSat))) as { r_hash: string; payment_request: string };
}

async function pay(from: LndHandle, to: LndHandle, amountSat: number): Promise<void> {
  const invoice = await addInvoice(to, amountSat);
  await from.lncli('payinvoice', '--force', '--json', invoice.payment_request);
  const { state } = (await to.lncli('lookupinvoice', invoice.r_hash)) as { state: string };
  expect(state).toBe('SETTLED');
}

/** Starts listening for custom messages at a node, and promises lncli's line about the first one. */
async function heardBy(at: LndHandle, send: () => Promise<unknown>): Promise<string> {
  const where = ['--network=simnet', `--lnddir=${at.dir}`, `--rpcserver=${at.grpcSocket}`];
  const listener = spawn(at.lncliPath, [...where, 'subscribecustom'], { stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    let heard = '';
    listener.stdout.setEncoding('utf8').on('data', (text: string) => (heard += text));
    return await poll('custom message', 30_000, async () => {
      const end = heard.indexOf('\n');
      if (end >= 0) return heard.slice(0, end);
      await send(); // again and again: nothing says when the subscription is up
      return undefined;
    });
  } finally {
    listener.kill();
    await once(listener, 'exit');
  }
}

describe('the Lightning half of the rig', () => {
  it('pays from the buyer to the seller and back', async () => {
    for (const lnd of [rig.buyer, rig.seller]) {
      const { local_balance } = (await lnd.lncli('channelbalance')) as { local_balance: { sat: string } };
      expect(Number(local_balance.sat)).toBeGreaterThan(7_900_000);
    }
    await pay(rig.buyer, rig.seller, 1000);
    await pay(rig.seller, rig.buyer, 700);
  });

  it('carries custom messages of the protocol, whose types lnd passes on unasked', async () => {
    const message = [`--peer=${rig.seller.nodeId}`, '--type=42081', '--data=c0ffee'];
    const heard = await heardBy(rig.seller, () => rig.buyer.lncli('sendcustom', ...message));
    expect(heard).toBe(`Received from peer ${rig.buyer.nodeId}: type=42081, data=c0ffee`);
  });

  it('mines blocks that both nodes see', async () => {
    const heightOf = async (at: LndHandle) => ((await at.lncli('getinfo')) as { block_height: number }).block_height;
    const before = await heightOf(rig.seller);
    await rig.generate(3);
    expect(await heightOf(rig.seller)).toBe(before + 3);
    expect(await heightOf(rig.buyer)).toBe(before + 3);
  });

  it('gets the seller back after kill -9, with the same key, port, invoices and channel', async () => {
    const invoice = await addInvoice(rig.seller, 500);
    const pidBefore = await rig.seller.pid();
    await rig.seller.kill();
    expect(await rig.seller.pid()).toBeUndefined();
    await expect(rig.seller.lncli('getinfo')).rejects.toThrow();
    await rig.seller.restart();
    expect(await rig.seller.pid()).not.toBe(pidBefore);
    const info = (await rig.seller.lncli('getinfo')) as { identity_pubkey: string };
    expect(info.identity_pubkey).toBe(rig.seller.nodeId);
    await rig.connect();
    await rig.buyer.lncli('payinvoice', '--force', invoice.payment_request);
  });

  it('is put right by heal, whatever was stopped', async () => {
    await rig.buyer.stop();
    await rig.seller.kill();
    await rig.btcd.stop();
    await rig.heal();
    await pay(rig.buyer, rig.seller, 1000);
    await rig.generate(1);
  });
});
