import type { InvoiceState, PaymentHash } from '../lightning.ts';
import { msat } from '../../money/msat.ts';
import type { Store } from './store.ts';

/** `claiming`: a payment has arrived and been accepted, LDK is about to have it. Neither open or held any more, nor settled yet. */
export interface InvoiceRow {
  readonly payment_hash: string;
  readonly preimage: string;
  readonly payment_request: string;
  readonly amount_msat: bigint;
  readonly expires_at_s: bigint;
  readonly state: 'open' | 'held' | 'claiming' | 'settled' | 'cancelled';
  readonly received_msat: bigint | null;
  readonly settle_number: bigint | null;
  readonly hold: bigint;
}

type NewRow = Pick<InvoiceRow, 'payment_hash' | 'preimage' | 'payment_request' | 'amount_msat'> & {
  readonly expires_at_s: number;
  readonly hold: 0 | 1;
  readonly created_at_s: number;
};

/** The invoices on disk. Writes belong to the transaction of the pump. */
export class InvoiceTable {
  readonly #store: Store;
  readonly #find;
  readonly #insert;
  readonly #setState;
  readonly #hold;
  readonly #settle;
  readonly #lastSettled;
  readonly #settledAfter;
  readonly #claiming;
  readonly #heldUntil;
  readonly #createdSince;

  constructor(store: Store) {
    this.#store = store;
    this.#find = store.prepare('SELECT * FROM invoices WHERE payment_hash = ?');
    this.#insert = store.prepare(
      `INSERT INTO invoices
        (payment_hash, preimage, payment_request, amount_msat, expires_at_s, hold, created_at_s, state)
        VALUES (?, ?, ?, ?, ?, ?, ?, 'open')`,
    );
    this.#setState = store.prepare('UPDATE invoices SET state = ? WHERE payment_hash = ?');
    this.#hold = store.prepare(
      "UPDATE invoices SET state = 'held', received_msat = ?, claim_deadline = ? WHERE payment_hash = ?",
    );
    this.#settle = store.prepare(
      "UPDATE invoices SET state = 'settled', received_msat = ?, settle_number = ? WHERE payment_hash = ?",
    );
    this.#lastSettled = store.prepare('SELECT coalesce(max(settle_number), 0) AS number FROM invoices');
    this.#settledAfter = store.prepare('SELECT * FROM invoices WHERE settle_number > ? ORDER BY settle_number');
    this.#claiming = store.prepare("SELECT * FROM invoices WHERE state = 'claiming'");
    this.#heldUntil = store.prepare("SELECT * FROM invoices WHERE state = 'held' AND claim_deadline <= ?");
    this.#createdSince = store.prepare('SELECT * FROM invoices WHERE created_at_s >= ? ORDER BY created_at_s');
  }

  find(paymentHash: PaymentHash): InvoiceRow | undefined {
    return this.#find.get(paymentHash) as unknown as InvoiceRow | undefined;
  }

  insert(row: NewRow): void {
    const { payment_hash: hash, preimage, payment_request: request, amount_msat: amount } = row;
    const { expires_at_s: expires, hold, created_at_s: created } = row;
    this.#store.write('invoice', this.#insert, hash, preimage, request, amount, expires, hold, created);
  }

  setState(paymentHash: PaymentHash, state: 'claiming' | 'cancelled'): void {
    this.#store.write('invoice', this.#setState, state, paymentHash);
  }

  /** LDK would give the payment back at the block of this height. */
  hold(paymentHash: PaymentHash, receivedMsat: bigint, claimDeadline: number): void {
    this.#store.write('invoice', this.#hold, receivedMsat, claimDeadline, paymentHash);
  }

  /** Returns the number of the settlement. */
  settle(paymentHash: PaymentHash, receivedMsat: bigint): bigint {
    const number = (this.#lastSettled.get()?.['number'] as bigint) + 1n;
    this.#store.write('invoice', this.#settle, receivedMsat, number, paymentHash);
    return number;
  }

  settledAfter(number: bigint): InvoiceRow[] {
    return this.#settledAfter.all(number) as unknown as InvoiceRow[];
  }

  claiming(): InvoiceRow[] {
    return this.#claiming.all() as unknown as InvoiceRow[];
  }

  /** The invoices whose held payment LDK would give back at this height. */
  heldUntil(height: number): InvoiceRow[] {
    return this.#heldUntil.all(height) as unknown as InvoiceRow[];
  }

  createdSince(sinceS: number): InvoiceRow[] {
    return this.#createdSince.all(Math.ceil(sinceS)) as unknown as InvoiceRow[];
  }
}

/** What a row says in the words of the port. */
export function stateOf({ state, received_msat }: InvoiceRow): InvoiceState {
  if (state === 'cancelled') return { state };
  if (received_msat === null) return { state: 'open' };
  return { state: state === 'settled' ? 'settled' : 'held', receivedMsat: msat(received_msat) };
}
