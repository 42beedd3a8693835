import { parentPort, workerData } from 'node:worker_threads';
import { openLndNode } from '../src/lightning/lnd/lnd-node.ts';
import type { LndOptions } from '../src/lightning/lnd/lnd-node.ts';
import type { RawOrder } from './raw.ts';

// The thread that sends raw custom messages: one in flight, as fast as lnd takes them.

const node = await openLndNode(workerData as LndOptions);
parentPort?.on('message', ({ peer, type, bytes, count }: RawOrder) => {
  const payload = new Uint8Array(bytes);
  const send = async () => {
    for (let sent = 0; sent < count; sent++) await node.sendMessage(peer, type, payload);
  };
  void send();
});
parentPort?.postMessage('ready');
