import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { openEmbeddedNode } from '../../../src/lightning/embedded/embedded-node.ts';
import type { EmbeddedNode, EmbeddedOptions } from '../../../src/lightning/embedded/embedded-node.ts';
import { LightningError } from '../../../src/lightning/lightning.ts';
import type { LightningErrorCode } from '../../../src/lightning/lightning.ts';

type Calls = Pick<
  EmbeddedNode,
  'createInvoice' | 'lookUpInvoice' | 'settleInvoice' | 'cancelInvoice' | 'pay' | 'connectPeer' | 'openChannel'
>;

export interface VictimCalls extends Calls {
  channels(): Promise<ReturnType<EmbeddedNode['channels']>>;
  /** Crash at the n-th write boundary from now; 0 = not at all. */
  arm(boundary: number): Promise<void>;
}

/** A node that crashes when told to, and comes back from disk on the next call. */
export interface Party {
  readonly nodeId: string;
  readonly address: string;
  readonly crashes: number;
  /** The boundaries at which it crashed, where known. */
  readonly boundaries: string[];
  readonly warnings: string[];
  call<M extends keyof VictimCalls>(
    method: M,
    ...args: Parameters<VictimCalls[M]>
  ): Promise<Awaited<ReturnType<VictimCalls[M]>>>;
  close(): Promise<void>;
}

/** The crash is an exception at the boundary: the transaction is dropped, kept-back bytes are lost, LDK's memory is left behind. */
export async function partyInProcess(directory: string, port?: number): Promise<Party> {
  let left = 0;
  const boundaries: string[] = [];
  const warnings: string[] = [];
  const hook = (boundary: string): void => {
    if (left === 0 || --left > 0) return;
    boundaries.push(boundary);
    throw new Error(`crash at "${boundary}"`);
  };
  const open = (listen: number | undefined): Promise<EmbeddedNode> => {
    const log: EmbeddedOptions['log'] = (_level, message) => warnings.push(message);
    return openEmbeddedNode(
      { directory, log, ...(listen !== undefined && { listen: { host: '127.0.0.1', port: listen } }) },
      hook,
    );
  };
  let node = await open(port);
  const { address, nodeId } = node;
  const bound = port === undefined ? undefined : Number(address.split(':')[1]);
  let reopening: Promise<unknown> | undefined;
  let crashes = 0;
  const calls: VictimCalls = {
    createInvoice: (invoice) => node.createInvoice(invoice),
    lookUpInvoice: (paymentHash) => node.lookUpInvoice(paymentHash),
    pay: (payment) => node.pay(payment),
    settleInvoice: (preimage) => node.settleInvoice(preimage),
    cancelInvoice: (paymentHash) => node.cancelInvoice(paymentHash),
    connectPeer: (...args) => node.connectPeer(...args),
    openChannel: (...args) => node.openChannel(...args),
    channels: async () => node.channels(),
    arm: async (boundary) => {
      left = boundary;
    },
  };
  const watch = (): void => {
    node.listen({
      down: () => {
        crashes++;
        reopening = open(bound).then(async (fresh) => {
          node = fresh;
          watch();
          await node.start(0n);
        });
      },
    });
  };
  watch();
  await node.start(0n);
  return {
    nodeId,
    address,
    boundaries,
    warnings,
    get crashes() {
      return crashes;
    },
    call: async (method, ...args) => {
      await reopening;
      return (calls[method] as (...args: unknown[]) => Promise<never>)(...args);
    },
    close: () => node.close(),
  };
}

interface Answer {
  readonly id?: number;
  readonly answer?: unknown;
  readonly code?: LightningErrorCode;
  readonly nodeId?: string;
  readonly address?: string;
}

/** The crash is SIGKILL to a process of its own. */
export async function partyInChild(directory: string, port?: number): Promise<Party> {
  const waiting = new Map<number, { resolve: (answer: unknown) => void; reject: (error: Error) => void }>();
  let child: ChildProcess;
  let serial = 0;
  let crashes = 0;
  let closing = false;
  let ready: Promise<Answer>;
  const start = (listen: number | undefined): void => {
    const options = { directory, ...(listen !== undefined && { listen: { host: '127.0.0.1', port: listen } }) };
    const started = fork(fileURLToPath(new URL('victim.ts', import.meta.url)), [JSON.stringify(options)], {
      execArgv: ['--disable-warning=ExperimentalWarning'],
      serialization: 'advanced',
    });
    child = started;
    ready = new Promise((resolve) => {
      started.on('message', (message: Answer) => {
        if (message.id === undefined) return resolve(message);
        const waiter = waiting.get(message.id);
        waiting.delete(message.id);
        if (message.code === undefined) waiter?.resolve(message.answer);
        else waiter?.reject(new LightningError(message.code, 'said the child'));
      });
    });
    started.once('exit', () => {
      if (closing) return;
      crashes++;
      for (const { reject } of waiting.values()) reject(new LightningError('unavailable', 'the child has been killed'));
      waiting.clear();
      start(bound);
    });
  };
  let bound = port;
  start(port);
  const first = await ready!;
  if (port !== undefined) bound = Number(first.address!.split(':')[1]);
  return {
    nodeId: first.nodeId!,
    address: first.address!,
    boundaries: [],
    warnings: [],
    get crashes() {
      return crashes;
    },
    call: async (method, ...args) => {
      await ready;
      return new Promise<never>((resolve, reject) => {
        const id = ++serial;
        waiting.set(id, { resolve: resolve as (answer: unknown) => void, reject });
        child.send({ id, method, args }, (error) => {
          if (error !== null && waiting.delete(id)) reject(new LightningError('unavailable', 'the child is gone'));
        });
      });
    },
    close: () =>
      new Promise((resolve) => {
        closing = true;
        child.once('exit', () => resolve());
        child.kill('SIGKILL');
      }),
  };
}
