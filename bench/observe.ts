import type { LightningListener, NewInvoice, NodeId, Payment } from '../src/lightning/lightning.ts';
import { LedgerThread } from '../src/ledger/ledger-thread.ts';
import { LndNode } from '../src/lightning/lnd/lnd-driver.ts';
import { kindOf } from '../src/protocol/message-type.ts';
import { mark } from './marks.ts';

/** Replaces a method of every object of a class by one that is told what it wraps. */
function around<Target extends object, Name extends keyof Target>(
  target: Target,
  name: Name,
  wrap: (inner: Target[Name]) => Target[Name],
): void {
  target[name] = wrap(target[name]);
}

async function spanned<Value>(what: string, work: () => Promise<Value>): Promise<Value> {
  mark(`${what} …`);
  const value = await work();
  mark(`${what} ✓`);
  return value;
}

const nameOf = (type: number): string => kindOf(type)?.kind ?? 'other';

/** Marks what passes between this process and its lnd; call before the node is opened. What passes is not altered. */
export function observeNode(): void {
  around(
    LndNode.prototype,
    'sendMessage',
    (inner) =>
      function (this: LndNode, peer: NodeId, type: number, payload: Uint8Array) {
        return spanned(`send ${nameOf(type)}`, () => inner.call(this, peer, type, payload));
      },
  );
  around(
    LndNode.prototype,
    'createInvoice',
    (inner) =>
      function (this: LndNode, invoice: NewInvoice) {
        return spanned('invoice', () => inner.call(this, invoice));
      },
  );
  around(
    LndNode.prototype,
    'pay',
    (inner) =>
      function (this: LndNode, payment: Payment) {
        return spanned('pay', () => inner.call(this, payment));
      },
  );
  around(
    LndNode.prototype,
    'listen',
    (inner) =>
      function (this: LndNode, listener: LightningListener) {
        return inner.call(this, marking(listener));
      },
  );
}

/** The listener, marking what it is told. Only what it listens to is passed on, as without us. */
function marking(listener: LightningListener): LightningListener {
  const told: LightningListener = { ...listener };
  if (listener.message !== undefined)
    told.message = (peer, type, payload) => {
      mark(`got ${nameOf(type)}`);
      listener.message?.(peer, type, payload);
    };
  if (listener.invoice !== undefined)
    told.invoice = (update) => {
      if (update.invoice.state === 'settled') mark('settled');
      listener.invoice?.(update);
    };
  return told;
}

/** Marks every save of a job by the states that it saves, like "save open/none/none". */
export function observeLedger(): void {
  around(
    LedgerThread.prototype,
    'request',
    (inner) =>
      function (this: LedgerThread, op, ask) {
        const answering = () => inner.call(this, op, ask) as Promise<never>;
        return op === 'commit' ? spanned(`save ${statesIn(ask)}`, answering) : answering();
      },
  );
}

function statesIn(ask: unknown): string {
  const { record } = ask as { record: string };
  const { job } = JSON.parse(record) as { job: { funding: string; run: string; delivery: string } };
  return `${job.funding}/${job.run}/${job.delivery}`;
}
