import { createHash } from 'node:crypto';
import { LightningError } from '../../src/lightning/lightning.ts';
import type {
  CreatedInvoice,
  InvoiceState,
  InvoiceUpdate,
  NewInvoice,
  OurInvoice,
} from '../../src/lightning/lightning.ts';
import { msat } from '../../src/money/msat.ts';
import type { Clock } from '../../src/clock/clock.ts';
import { keyNamed, signInvoice } from './sign-invoice.ts';
import type { SigningKey } from './sign-invoice.ts';

/** Hears of a payment's end: the preimage when it was taken, undefined when it came back. */
type Ended = (preimage: string | undefined) => void;

interface KeptInvoice {
  readonly ordered: NewInvoice;
  readonly created: CreatedInvoice;
  readonly createdAtS: number;
  state: InvoiceState;
  settleNumber?: bigint;
  /** Whose payment is held. */
  payer?: Ended;
}

const sha256 = (hex: string): string => createHash('sha256').update(Buffer.from(hex, 'hex')).digest('hex');

/** What a Lightning node has beyond the life of any process that uses it: its key, its invoices and its money. */
export class FakeAccount {
  readonly name: string;
  readonly key: SigningKey;
  /** What it can still pay over its channel. */
  outboundMsat = 3_900_000_000n;
  readonly #clock: Clock;
  readonly #invoices = new Map<string, KeptInvoice>();
  readonly #told = new Set<(update: InvoiceUpdate) => void>();
  #settlements = 0n;

  constructor(name: string, clock: Clock) {
    this.name = name;
    this.key = keyNamed(name);
    this.#clock = clock;
  }

  get nodeId(): string {
    return this.key.nodeId;
  }

  onInvoice(tell: (update: InvoiceUpdate) => void): () => void {
    this.#told.add(tell);
    return () => void this.#told.delete(tell);
  }

  create(ordered: NewInvoice): CreatedInvoice {
    const paymentHash = sha256(ordered.preimage);
    const known = this.#invoices.get(paymentHash);
    if (known !== undefined) return known.created;
    const createdAtS = Math.floor(this.#clock.nowMs() / 1000);
    if (ordered.amountMsat <= 0n || ordered.expiresAtS <= createdAtS)
      throw new LightningError('refused', 'no such invoice can be made');
    const { descriptionHash, amountMsat, expiresAtS } = ordered;
    const paymentRequest = signInvoice(this.key, { paymentHash, descriptionHash, amountMsat, createdAtS, expiresAtS });
    const created = { paymentRequest, paymentHash };
    this.#invoices.set(paymentHash, { ordered, created, createdAtS, state: { state: 'open' } });
    return created;
  }

  lookUp(paymentHash: string): InvoiceState | undefined {
    return this.#invoices.get(paymentHash)?.state;
  }

  /** Every invoice that was ever made, oldest first. */
  invoices(): {
    readonly paymentHash: string;
    readonly state: InvoiceState['state'];
    readonly paymentRequest: string;
  }[] {
    return [...this.#invoices.values()].map(({ created, state }) => ({ ...created, state: state.state }));
  }

  /** Those made at or after `sinceS`. */
  ours(sinceS: number): OurInvoice[] {
    return [...this.#invoices.values()]
      .filter(({ createdAtS }) => createdAtS >= sinceS)
      .map(({ created, state }) => ({ paymentHash: created.paymentHash, invoice: state }));
  }

  cancel(paymentHash: string): void {
    const { state } = this.#mine(paymentHash).state;
    if (state === 'open' || state === 'held') this.cancelBehindOurBack(paymentHash);
  }

  /** Takes the payment that is held. */
  take(preimage: string): void {
    const paymentHash = sha256(preimage);
    const { state } = this.#mine(paymentHash);
    if (state.state === 'held') this.settle(paymentHash, state.receivedMsat);
    else if (state.state !== 'settled') throw new LightningError('refused', `nothing to settle: it is ${state.state}`);
  }

  /** A payment arrives: it is taken, failed back, or held. */
  receive(paymentHash: string, amountMsat: bigint, ended: Ended): void {
    const invoice = this.#invoices.get(paymentHash);
    const isPayable = invoice?.state.state === 'open' && this.#clock.nowMs() < invoice.ordered.expiresAtS * 1000;
    if (invoice === undefined || !isPayable || amountMsat < invoice.ordered.amountMsat) return ended(undefined);
    invoice.payer = ended;
    if (invoice.ordered.hold) this.#turn(invoice, { state: 'held', receivedMsat: msat(amountMsat) });
    else this.settle(paymentHash, amountMsat);
  }

  /** Settles an invoice whatever its state: also what no honest node would do. */
  settle(paymentHash: string, amountMsat?: bigint): void {
    const invoice = this.#known(paymentHash);
    invoice.settleNumber = ++this.#settlements;
    this.#turn(
      invoice,
      { state: 'settled', receivedMsat: msat(amountMsat ?? invoice.ordered.amountMsat) },
      invoice.settleNumber,
    );
    this.#endPayment(invoice, invoice.ordered.preimage);
  }

  /** A payment of nobody's is locked in and waits for us. */
  hold(paymentHash: string): void {
    const invoice = this.#known(paymentHash);
    this.#turn(invoice, { state: 'held', receivedMsat: invoice.ordered.amountMsat });
  }

  /** The node has lost it. */
  forget(paymentHash: string): void {
    this.#invoices.delete(paymentHash);
  }

  /** An operator cancels it, or the node does so itself. */
  cancelBehindOurBack(paymentHash: string): void {
    const invoice = this.#known(paymentHash);
    this.#turn(invoice, { state: 'cancelled' });
    this.#endPayment(invoice, undefined);
  }

  /** The payment has been held for so long that the node gives it back, lest the channel be closed. */
  expireHold(paymentHash: string): void {
    const { state } = this.#known(paymentHash).state;
    if (state !== 'held') throw new Error(`no payment of ${paymentHash} is held: it is ${state}`);
    this.cancelBehindOurBack(paymentHash);
  }

  settledAfter(cursor: bigint): InvoiceUpdate[] {
    return [...this.#invoices.values()]
      .filter(({ settleNumber }) => settleNumber !== undefined && settleNumber > cursor)
      .sort((a, b) => Number((a.settleNumber ?? 0n) - (b.settleNumber ?? 0n)))
      .map(({ created, state, settleNumber }) => ({
        paymentHash: created.paymentHash,
        invoice: state,
        cursor: settleNumber ?? 0n,
      }));
  }

  #known(paymentHash: string): KeptInvoice {
    const invoice = this.#invoices.get(paymentHash);
    if (invoice === undefined) throw new Error(`${this.name} has no invoice ${paymentHash}`);
    return invoice;
  }

  #mine(paymentHash: string): KeptInvoice {
    const invoice = this.#invoices.get(paymentHash);
    if (invoice === undefined) throw new LightningError('not-found', 'no invoice has this hash');
    return invoice;
  }

  #endPayment(invoice: KeptInvoice, preimage: string | undefined): void {
    const { payer } = invoice;
    delete invoice.payer;
    payer?.(preimage);
  }

  #turn(invoice: KeptInvoice, state: InvoiceState, cursor?: bigint): void {
    invoice.state = state;
    const { paymentHash } = invoice.created;
    for (const tell of this.#told) tell({ paymentHash, invoice: state, ...(cursor === undefined ? {} : { cursor }) });
  }
}
