import type { InvoiceUpdate, PaymentHash } from '../lightning.ts';
import type { Connection } from './connection.ts';
import { invoiceState } from './invoices.ts';
import { follow } from './supervisor.ts';

interface Watch {
  stream?: { cancel(): void };
}

/**
 * Tells what becomes of single invoices, one stream for each: lnd's stream of all invoices tells neither payments that are held nor
 * cancellations. lnd begins each stream with the invoice's present state.
 * /invoicesrpc.Invoices/SubscribeSingleInvoice (invoices:read).
 */
export class Watches {
  readonly #connection: Connection;
  readonly #tell: (update: InvoiceUpdate) => void;
  readonly #watched = new Map<PaymentHash, Watch>();
  /** Told when a stream ends that should not. Undefined: lnd is away, and the streams are opened when it is back. */
  #ended: ((error: unknown) => void) | undefined;

  constructor(connection: Connection, tell: (update: InvoiceUpdate) => void) {
    this.#connection = connection;
    this.#tell = tell;
  }

  /** Watches until the invoice is final, or the returned function is called. */
  watch(paymentHash: PaymentHash): () => void {
    this.#stop(paymentHash, this.#watched.get(paymentHash));
    const watch: Watch = {};
    this.#watched.set(paymentHash, watch);
    this.#open(paymentHash, watch);
    return () => this.#stop(paymentHash, watch);
  }

  /** Opens the streams of all that is watched, and of what will be, until it is cancelled. */
  open(ended: (error: unknown) => void): { cancel(): void } {
    this.#ended = ended;
    for (const [paymentHash, watch] of this.#watched) this.#open(paymentHash, watch);
    return {
      cancel: () => {
        this.#ended = undefined;
        for (const watch of this.#watched.values()) close(watch);
      },
    };
  }

  #open(paymentHash: PaymentHash, watch: Watch): void {
    const ended = this.#ended;
    if (ended === undefined) return;
    const raw = this.#connection.invoices.subscribeSingleInvoice({ r_hash: Buffer.from(paymentHash, 'hex') });
    const stream = follow(
      raw,
      (answer) => {
        const invoice = invoiceState(answer);
        if (invoice.state === 'open') return;
        if (invoice.state !== 'held') this.#stop(paymentHash, watch);
        this.#tell({ paymentHash, invoice });
      },
      (error) => {
        if (watch.stream === stream) ended(error); // otherwise it is we who ended it
      },
    );
    watch.stream = stream;
  }

  #stop(paymentHash: PaymentHash, watch: Watch | undefined): void {
    if (watch === undefined || this.#watched.get(paymentHash) !== watch) return;
    this.#watched.delete(paymentHash);
    close(watch);
  }
}

function close(watch: Watch): void {
  const { stream } = watch;
  delete watch.stream; // first: its end is no news
  stream?.cancel();
}
