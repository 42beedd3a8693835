import { createHash } from 'node:crypto';
import { LightningError } from '../../src/lightning/lightning.ts';
import type { InvoiceState, InvoiceUpdate, NewInvoice } from '../../src/lightning/lightning.ts';
import { msat } from '../../src/money/msat.ts';
import type { End, Link } from './link.ts';
import type { World } from './world.ts';

interface Invoice {
  readonly paymentHash: string;
  readonly preimage: string;
  readonly amountMsat: bigint;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly isHold: boolean;
  state: InvoiceState;
  settleNumber: bigint;
  payer: ((preimage: string | undefined) => void) | undefined;
}

/** The driver that a process has on the node. */
export interface AccountListener extends End {
  invoiceTurned(update: InvoiceUpdate): void;
}

/** The end of a held payment, by its CLTV: hours away, or what a bad route left of it. */
const HELD_FOR_MS = 4 * 3_600_000;
const SHORT_MS = { least: 500, most: 240_000 };

/** The Lightning node itself: its invoices, its money and its peers, whatever process uses it. Counts what it received on its own. */
export class SimAccount implements End {
  readonly nodeId = `02${'5e'.repeat(32)}`;
  readonly links = new Map<string, Link>();
  listener: AccountListener | undefined;
  receivedMsat = 0n;
  readonly #world: World;
  readonly #invoices = new Map<string, Invoice>();
  #settlements = 0n;

  constructor(world: World) {
    this.#world = world;
  }

  invoices(): readonly Invoice[] {
    return [...this.#invoices.values()];
  }

  invoice(paymentHash: string): Invoice | undefined {
    return this.#invoices.get(paymentHash);
  }

  /** The invoice's time counts from now, by the node's own clock. */
  create(ordered: NewInvoice, forS: number): string {
    const paymentHash = createHash('sha256').update(Buffer.from(ordered.preimage, 'hex')).digest('hex');
    if (!this.#invoices.has(paymentHash)) {
      if (forS < 1) throw new LightningError('refused', 'its time is over already');
      const invoice: Invoice = {
        paymentHash,
        preimage: ordered.preimage,
        amountMsat: ordered.amountMsat,
        createdAtMs: this.#world.nowMs,
        expiresAtMs: this.#world.nowMs + forS * 1000,
        isHold: ordered.hold,
        state: { state: 'open' },
        settleNumber: 0n,
        payer: undefined,
      };
      this.#invoices.set(paymentHash, invoice);
      const expire = (): void =>
        invoice.state.state === 'open' ? this.#turn(invoice, { state: 'cancelled' }) : undefined;
      this.#world.after(forS * 1000 + this.#world.random.between(0, 30_000), expire);
    }
    return paymentHash;
  }

  cancel(paymentHash: string): void {
    const invoice = this.#invoices.get(paymentHash);
    if (invoice === undefined) throw new LightningError('not-found', 'no invoice has this hash');
    if (invoice.state.state === 'open' || invoice.state.state === 'held') this.#turn(invoice, { state: 'cancelled' });
  }

  settle(preimage: string): void {
    const invoice = this.#invoices.get(createHash('sha256').update(Buffer.from(preimage, 'hex')).digest('hex'));
    if (invoice === undefined) throw new LightningError('not-found', 'no invoice has this hash');
    if (invoice.state.state === 'held') this.#settle(invoice, invoice.state.receivedMsat);
    else if (invoice.state.state !== 'settled') throw new LightningError('refused', 'there is nothing to settle');
  }

  /** A payment arrives; `told` hears once what became of it: the preimage, or undefined when it went back. */
  receive(paymentHash: string, amountMsat: bigint, told: (preimage: string | undefined) => void): void {
    const invoice = this.#invoices.get(paymentHash);
    const isPayable = invoice?.state.state === 'open' && this.#world.nowMs < invoice.expiresAtMs;
    if (invoice === undefined || !isPayable || amountMsat < invoice.amountMsat) return told(undefined);
    invoice.payer = told;
    if (!invoice.isHold) return this.#settle(invoice, msat(amountMsat));
    this.#turn(invoice, { state: 'held', receivedMsat: msat(amountMsat) });
    const { random } = this.#world;
    const heldForMs = random.chance(0.1) ? random.spread(SHORT_MS.least, SHORT_MS.most) : HELD_FOR_MS;
    this.#world.after(heldForMs, () => (invoice.state.state === 'held' ? this.cancel(paymentHash) : undefined));
  }

  settledAfter(cursor: bigint): InvoiceUpdate[] {
    return this.invoices()
      .filter(({ settleNumber }) => settleNumber > cursor)
      .sort((a, b) => Number(a.settleNumber - b.settleNumber))
      .map(({ paymentHash, state, settleNumber }) => ({ paymentHash, invoice: state, cursor: settleNumber }));
  }

  arrived(peer: string, type: number, payload: Uint8Array): void {
    this.listener?.arrived(peer, type, payload);
  }

  peerTurned(peer: string, isOnline: boolean): void {
    this.listener?.peerTurned(peer, isOnline);
  }

  #settle(invoice: Invoice, receivedMsat: ReturnType<typeof msat>): void {
    this.receivedMsat += receivedMsat;
    invoice.settleNumber = ++this.#settlements;
    this.#turn(invoice, { state: 'settled', receivedMsat });
  }

  #turn(invoice: Invoice, state: InvoiceState): void {
    invoice.state = state;
    const { paymentHash, settleNumber, payer } = invoice;
    if (state.state === 'settled') payer?.(invoice.preimage);
    if (state.state === 'cancelled') payer?.(undefined);
    this.listener?.invoiceTurned({
      paymentHash,
      invoice: state,
      ...(settleNumber > 0n ? { cursor: settleNumber } : {}),
    });
  }
}
