import type { InvoiceUpdate } from '../lightning.ts';
import type { AnswerStream, Connection, RawInvoice } from './connection.ts';
import { invoicesSince, invoiceState } from './invoices.ts';

/** How far back settlements are listed when there is no cursor. Our invoices live for minutes. */
const LIST_BACK_S = 7 * 24 * 3600;

interface OpenSettlements {
  readonly stream: AnswerStream<RawInvoice>;
  readonly take: (invoice: RawInvoice) => void;
  readonly caughtUp: () => Promise<void>;
}

/**
 * Tells every settlement of the node with lnd's settle index as cursor, across reconnects.
 * /lnrpc.Lightning/SubscribeInvoices and ListInvoices (invoices:read).
 *
 * Not `subscribeToInvoices` of `lightning`: it takes its next cursor from *every* invoice that comes by, and a new, unpaid one has
 * none, so a restart of its own then skips what was settled meanwhile; those restarts, 30 s after a failure, cannot be switched off.
 */
export class Settlements {
  #cursor = 0n;
  readonly #connection: Connection;
  readonly #tell: (update: InvoiceUpdate) => void;

  constructor(connection: Connection, tell: (update: InvoiceUpdate) => void) {
    this.#connection = connection;
    this.#tell = tell;
  }

  startAfter(cursor: bigint): void {
    this.#cursor = cursor;
  }

  /** Opens the stream. `caughtUp` does what is left to do once it is open: to lnd, cursor 0 means "nothing of the past". */
  open(): OpenSettlements {
    const fromStart = this.#cursor === 0n;
    const stream = this.#connection.lightning.subscribeInvoices(
      fromStart ? {} : { settle_index: this.#cursor.toString() },
    );
    let early: RawInvoice[] | undefined = fromStart ? [] : undefined;
    const take = (invoice: RawInvoice): void => {
      if (early) early.push(invoice);
      else this.#take(invoice);
    };
    const caughtUp = async (): Promise<void> => {
      if (!early) return;
      const listed = await this.#list();
      const seen = new Set(listed.map(({ settle_index }) => settle_index));
      const rest = early.filter(({ settle_index }) => !seen.has(settle_index));
      early = undefined;
      for (const invoice of [...listed, ...rest]) this.#take(invoice);
    };
    return { stream, take, caughtUp };
  }

  #take(raw: RawInvoice): void {
    if (raw.state !== 'SETTLED') return; // lnd also tells new invoices
    const cursor = BigInt(raw.settle_index);
    if (cursor > this.#cursor) this.#cursor = cursor;
    this.#tell({ paymentHash: raw.r_hash.toString('hex'), invoice: invoiceState(raw), cursor });
  }

  async #list(): Promise<RawInvoice[]> {
    const listed = await invoicesSince(this.#connection, Math.floor(Date.now() / 1000) - LIST_BACK_S);
    const settled = listed.filter(({ state }) => state === 'SETTLED');
    return settled.sort((a, b) => Number(BigInt(a.settle_index) - BigInt(b.settle_index)));
  }
}
