import type { InvoiceUpdate } from '../lightning.ts';
import { call } from './connection.ts';
import type { AnswerStream, Connection, RawInvoice } from './connection.ts';
import { invoiceState } from './invoices.ts';

/** How far back settlements are listed when there is no cursor. Our invoices live for minutes. */
const LIST_BACK_S = 7 * 24 * 3600;
const PAGE = 1000;

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
    const settled: RawInvoice[] = [];
    const since = Math.floor(Date.now() / 1000) - LIST_BACK_S;
    for (let offset = '0'; ;) {
      const page = await call(this.#connection.lightning, this.#connection.lightning.listInvoices, {
        index_offset: offset,
        num_max_invoices: PAGE,
        creation_date_start: since,
      });
      settled.push(...page.invoices.filter(({ state }) => state === 'SETTLED'));
      if (page.invoices.length < PAGE) break;
      offset = page.last_index_offset;
    }
    return settled.sort((a, b) => Number(BigInt(a.settle_index) - BigInt(b.settle_index)));
  }
}
