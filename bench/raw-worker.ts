import { parentPort, workerData } from 'node:worker_threads';
import { authenticatedLndGrpc, sendMessageToPeer } from 'lightning';
import { openLndNode } from '../src/lightning/lnd/lnd-node.ts';
import type { LndOptions } from '../src/lightning/lnd/lnd-node.ts';
import type { RawOrder, RawSender } from './raw.ts';

// The thread that sends raw custom messages: one in flight, as fast as lnd takes them.

const access = workerData as LndOptions;
const node = await openLndNode(access);
const { lnd } = authenticatedLndGrpc({ ...access, cert: Buffer.from(access.cert ?? '').toString('base64') });

const senders: Readonly<Record<RawSender, (peer: string, type: number, payload: Uint8Array) => Promise<void>>> = {
  ours: (peer, type, payload) => node.sendMessage(peer, type, payload),
  lightning: (peer, type, payload) =>
    sendMessageToPeer({ lnd, public_key: peer, type, message: Buffer.from(payload).toString('hex') }),
};

parentPort?.on('message', ({ sender, peer, type, bytes, count }: RawOrder) => {
  const payload = new Uint8Array(bytes);
  const send = async () => {
    for (let sent = 0; sent < count; sent++) await senders[sender](peer, type, payload);
  };
  void send();
});
parentPort?.postMessage('ready');
