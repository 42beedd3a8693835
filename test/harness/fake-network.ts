import type { Clock } from '../../src/clock/clock.ts';
import { LightningError } from '../../src/lightning/lightning.ts';
import type { NodeId, PaidInvoice } from '../../src/lightning/lightning.ts';
import { parseBolt11 } from '../../src/lightning/bolt11.ts';
import { FakeAccount } from './fake-account.ts';
import { FakeNode } from './fake-node.ts';

/** Lightning nodes inside one process: whatever travels between them arrives in order, in a later turn of the event loop. */
export class FakeNetwork {
  readonly clock: Clock;
  readonly #accounts = new Map<NodeId, FakeAccount>();
  readonly #nodes = new Map<NodeId, FakeNode>();
  /** `a|b` of nodes that are connected, with the number of the connection: what was on the way in an earlier one is lost. */
  readonly #links = new Map<string, number>();
  readonly #payments = new Map<string, Promise<PaidInvoice>>();
  #connections = 0;
  #travelling: (() => void)[] = [];
  #heldPayments: (() => void)[] | undefined;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  account(name: string): FakeAccount {
    const account = new FakeAccount(name, this.clock);
    const known = this.#accounts.get(account.nodeId);
    if (known !== undefined) return known;
    this.#accounts.set(account.nodeId, account);
    return account;
  }

  /** Opens the node of a name, as a driver would: a name has one key, one set of invoices, and one open driver at a time. */
  open(name: string): FakeNode {
    const account = this.account(name);
    const node = new FakeNode(this, account);
    this.#nodes.set(account.nodeId, node);
    return node;
  }

  connect(a: NodeId, b: NodeId): void {
    if (this.isConnected(a, b)) return;
    this.#links.set(linkOf(a, b), ++this.#connections);
    this.later(() => this.#nodes.get(a)?.peerTurned(b, true));
    this.later(() => this.#nodes.get(b)?.peerTurned(a, true));
  }

  disconnect(a: NodeId, b: NodeId): void {
    if (!this.#links.delete(linkOf(a, b))) return;
    this.later(() => this.#nodes.get(a)?.peerTurned(b, false));
    this.later(() => this.#nodes.get(b)?.peerTurned(a, false));
  }

  isConnected(a: NodeId, b: NodeId): boolean {
    return this.#links.has(linkOf(a, b));
  }

  peersOf(node: NodeId): NodeId[] {
    return [...this.#links.keys()].flatMap((link) => {
      const [a = '', b = ''] = link.split('|');
      return a === node ? [b] : b === node ? [a] : [];
    });
  }

  carry(from: NodeId, to: NodeId, type: number, payload: Uint8Array): void {
    const link = this.#links.get(linkOf(from, to));
    const copy = new Uint8Array(payload);
    this.later(() => {
      if (link !== undefined && this.#links.get(linkOf(from, to)) === link)
        this.#nodes.get(to)?.arrived(from, type, copy);
    });
  }

  /** One payment per invoice and payer: the same again joins it, or gets its preimage. A failed one may be tried again. */
  pay(payer: FakeAccount, paymentRequest: string): Promise<PaidInvoice> {
    const { paymentHash, payee, amountMsat = 0n } = parseBolt11(paymentRequest);
    const id = `${payer.nodeId}/${paymentHash}`;
    const known = this.#payments.get(id);
    if (known !== undefined) return known;
    const paying = new Promise<PaidInvoice>((resolve, reject) => {
      const failed = (): void =>
        reject(new LightningError('payment-failed', 'the payment came back: INCORRECT_PAYMENT_DETAILS'));
      const arrive = (): void => {
        const account = this.#accounts.get(payee);
        if (account === undefined || payer.outboundMsat < amountMsat) return failed();
        payer.outboundMsat -= amountMsat;
        account.receive(paymentHash, amountMsat, (preimage) => {
          if (preimage !== undefined)
            return this.later(() => resolve({ preimage, feeMsat: 0n as PaidInvoice['feeMsat'] }));
          payer.outboundMsat += amountMsat;
          failed();
        });
      };
      this.later(() => (this.#heldPayments === undefined ? arrive() : this.#heldPayments.push(arrive)));
    });
    this.#payments.set(id, paying);
    paying.catch(() => this.#payments.delete(id));
    return paying;
  }

  /** Payments from now on stay on their way; the returned function lets them arrive. */
  holdPayments(): () => void {
    const held: (() => void)[] = (this.#heldPayments = []);
    return () => {
      this.#heldPayments = undefined;
      for (const arrive of held) arrive();
    };
  }

  /** Does something in a later turn of the event loop, after all that was put here before. */
  later(work: () => void): void {
    this.#travelling.push(work);
    if (this.#travelling.length > 1) return;
    setImmediate(() => {
      const due = this.#travelling;
      this.#travelling = [];
      for (const arrive of due) arrive();
    });
  }
}

const linkOf = (a: NodeId, b: NodeId): string => (a < b ? `${a}|${b}` : `${b}|${a}`);
