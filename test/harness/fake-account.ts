import { createHash } from 'node:crypto';
import { LightningError } from '../../src/lightning/lightning.ts';
import type { CreatedInvoice, InvoiceState, InvoiceUpdate, NewInvoice } from '../../src/lightning/lightning.ts';
import { msat } from '../../src/money/msat.ts';
import type { Clock } from '../../src/clock/clock.ts';
import { keyNamed, signInvoice } from './sign-invoice.ts';
import type { SigningKey } from './sign-invoice.ts';

interface HeldInvoice {
  readonly ordered: NewInvoice;
  readonly created: CreatedInvoice;
  state: InvoiceState;
  settleNumber?: bigint;
}

const sha256 = (hex: string): string => createHash('sha256').update(Buffer.from(hex, 'hex')).digest('hex');

/** What a Lightning node has beyond the life of any process that uses it: its key, its invoices and its money. */
export class FakeAccount {
  readonly name: string;
  readonly key: SigningKey;
  /** What it can still pay over its channel. */
  outboundMsat = 3_900_000_000n;
  readonly #clock: Clock;
  readonly #invoices = new Map<string, HeldInvoice>();
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
    this.#invoices.set(paymentHash, { ordered, created, state: { state: 'open' } });
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

  cancel(paymentHash: string): void {
    const invoice = this.#invoices.get(paymentHash);
    if (invoice === undefined) throw new LightningError('not-found', 'no invoice has this hash');
    if (invoice.state.state === 'open' || invoice.state.state === 'held') this.#turn(invoice, { state: 'cancelled' });
  }

  /** A payment arrives: the preimage when it was taken, undefined when it was failed back. */
  receive(paymentHash: string, amountMsat: bigint): string | undefined {
    const invoice = this.#invoices.get(paymentHash);
    const isPayable = invoice?.state.state === 'open' && this.#clock.nowMs() < invoice.ordered.expiresAtS * 1000;
    if (invoice === undefined || !isPayable || amountMsat < invoice.ordered.amountMsat) return undefined;
    this.settle(paymentHash, amountMsat);
    return invoice.ordered.preimage;
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
  }

  /** A payment is locked in and waits for us, as only a hold invoice does. */
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
    this.#turn(this.#known(paymentHash), { state: 'cancelled' });
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

  #known(paymentHash: string): HeldInvoice {
    const invoice = this.#invoices.get(paymentHash);
    if (invoice === undefined) throw new Error(`${this.name} has no invoice ${paymentHash}`);
    return invoice;
  }

  #turn(invoice: HeldInvoice, state: InvoiceState, cursor?: bigint): void {
    invoice.state = state;
    const { paymentHash } = invoice.created;
    for (const tell of this.#told) tell({ paymentHash, invoice: state, ...(cursor === undefined ? {} : { cursor }) });
  }
}
