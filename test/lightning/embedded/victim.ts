// A node in a process of its own, which kills itself (SIGKILL) at the n-th write boundary from when it is told to.
import { flushCompileCache } from 'node:module';
import { openEmbeddedNode } from '../../../src/lightning/embedded/embedded-node.ts';
import type { EmbeddedOptions } from '../../../src/lightning/embedded/embedded-node.ts';
import { LightningError } from '../../../src/lightning/lightning.ts';
import type { VictimCalls } from './parties.ts';

const options = JSON.parse(process.argv[2]!) as EmbeddedOptions;
let left = 0;
const node = await openEmbeddedNode(options, () => {
  if (left > 0 && --left === 0) process.kill(process.pid, 'SIGKILL');
});
const calls: VictimCalls = {
  createInvoice: (invoice) => node.createInvoice(invoice),
  lookUpInvoice: (paymentHash) => node.lookUpInvoice(paymentHash),
  pay: (payment) => node.pay(payment),
  settleInvoice: (preimage) => node.settleInvoice(preimage),
  cancelInvoice: (paymentHash) => node.cancelInvoice(paymentHash),
  connectPeer: (peer, address) => node.connectPeer(peer, address),
  openChannel: (...args) => node.openChannel(...args),
  channels: async () => node.channels(),
  arm: async (boundary) => {
    left = boundary;
  },
};
process.on('disconnect', () => process.exit());
process.on('message', ({ id, method, args }: { id: number; method: keyof VictimCalls; args: never[] }) => {
  const call = calls[method] as (...args: never[]) => Promise<unknown>;
  void call(...args).then(
    (answer) => process.send!({ id, answer }),
    (error: unknown) => process.send!({ id, code: error instanceof LightningError ? error.code : String(error) }),
  );
});
flushCompileCache(); // as a process that ends in order does
process.send!({ nodeId: node.nodeId, address: node.address });
