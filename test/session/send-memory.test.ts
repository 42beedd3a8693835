import { expect, test } from 'vitest';
import { LightningError } from '../../src/lightning/lightning.ts';
import { hex32 } from '../harness/wire-buyer.ts';
import { Pair } from './pair.ts';

/** A session whose node keeps what it is given, and takes or refuses it when told. */
async function heldSends() {
  const pair = new Pair();
  const { node, session } = await pair.session('ours');
  const given: { payload: Uint8Array; asGiven: Uint8Array; taken: PromiseWithResolvers<void> }[] = [];
  node.sendMessage = (_peer, _type, payload) => {
    const taken = Promise.withResolvers<void>();
    given.push({ payload, asGiven: payload.slice(), taken });
    return taken.promise;
  };
  const streamId = hex32();
  const send = (seq: number) => {
    const data = new Uint8Array(60_000).fill(seq);
    return session.send('peer', { kind: 'stream-chunk', version: 3, jobId: hex32(), streamId, seq, data });
  };
  return { given, send };
}

test('messages that wait to be taken share no memory', async () => {
  const { given, send } = await heldSends();
  const sends = [send(1), send(2), send(3)];
  for (const { payload, asGiven } of given) expect(payload).toEqual(asGiven);
  for (const { taken } of given) taken.resolve();
  await Promise.all(sends);
});

test('the memory of a message that was taken is used again', async () => {
  const { given, send } = await heldSends();
  const first = send(1);
  given[0]!.taken.resolve();
  await first;
  const second = send(2);
  given[1]!.taken.resolve();
  await second;
  expect(given[1]!.payload.buffer).toBe(given[0]!.payload.buffer);
});

test('the memory of a message that was not taken is never used again: part of it may still be on its way', async () => {
  const { given, send } = await heldSends();
  const first = send(1);
  given[0]!.taken.reject(new LightningError('unavailable', 'no answer in time'));
  await expect(first).rejects.toThrow('no answer in time');
  const second = send(2);
  given[1]!.taken.resolve();
  await second;
  expect(given[0]!.payload).toEqual(given[0]!.asGiven);
});
