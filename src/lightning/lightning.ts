import type { Msat } from '../money/msat.ts';

/** A node's public key: 66 lower-case hex digits. BOLT 8 has authenticated it. */
export type NodeId = string;

/** SHA-256 of a preimage: 64 lower-case hex digits. */
export type PaymentHash = string;

export interface NewInvoice {
  /** Ours, saved before the call: 64 hex digits. The same preimage again returns the invoice that exists. */
  readonly preimage: string;
  /** SHA-256 that the payer can check against the terms: 64 hex digits (BOLT 11 field `h`). */
  readonly descriptionHash: string;
  readonly amountMsat: Msat;
  /** Unix seconds; the node refuses payments that arrive later. */
  readonly expiresAtS: number;
  /**
   * True: a payment is held, locked in but not taken, until `settleInvoice` or `cancelInvoice`; a payment that is held for too long
   * the node gives back by itself, hours after its arrival at the earliest. False: the node takes it at once.
   */
  readonly hold: boolean;
}

export interface CreatedInvoice {
  /** BOLT 11. */
  readonly paymentRequest: string;
  readonly paymentHash: PaymentHash;
}

/** What a node knows of one of its invoices. `receivedMsat` may exceed the amount (overpayment). */
export type InvoiceState =
  | { readonly state: 'open' }
  | { readonly state: 'held'; readonly receivedMsat: Msat }
  | { readonly state: 'settled'; readonly receivedMsat: Msat }
  | { readonly state: 'cancelled' };

export interface InvoiceUpdate {
  readonly paymentHash: PaymentHash;
  readonly invoice: InvoiceState;
  /**
   * The position of this update among all settlements of the node; store it with what the update caused. Absent: no position. A
   * settlement of a watched invoice may be told twice, with and without.
   */
  readonly cursor?: bigint;
}

/** An invoice that `createInvoice` made, and what became of it. */
export interface OurInvoice {
  readonly paymentHash: PaymentHash;
  readonly invoice: InvoiceState;
}

export interface Payment {
  readonly paymentRequest: string;
  readonly maxFeeMsat: Msat;
  readonly timeoutMs: number;
}

export interface PaidInvoice {
  readonly preimage: string;
  readonly feeMsat: Msat;
}

/** What a node tells, in the order in which it happened. Listeners must not throw and must return at once. */
export interface LightningListener {
  message?(peer: NodeId, type: number, payload: Uint8Array): void;
  peerOnline?(peer: NodeId): void;
  peerOffline?(peer: NodeId): void;
  /** Every settlement, and of an invoice that is watched what else becomes of it. */
  invoice?(update: InvoiceUpdate): void;
  /** The node answers again after an outage, or for the first time: missed updates must be looked up now. */
  up?(): void;
  /** The node does not answer; the driver reconnects by itself with back-off. */
  down?(reason: string): void;
}

/**
 * A Lightning node that belongs to us: custom messages, invoices and payments. Two drivers: lnd, and LDK inside this process.
 * Every method rejects with LightningError and nothing else. One listener interface serves session, engine and buyer.
 */
export interface LightningNode {
  readonly nodeId: NodeId;
  /** The largest custom message payload that this driver sends, in bytes. */
  readonly maxMessageBytes: number;
  /** Adds a listener; the returned function removes it. */
  listen(listener: LightningListener): () => void;
  /**
   * Starts the subscriptions. Settlements after `cursor` are told (again); `peerOnline` is told for every peer that is on line already.
   * Resolves once the node answers.
   */
  start(cursor: bigint): Promise<void>;
  close(): Promise<void>;

  /**
   * BOLT 1 custom message. Resolves when the node took it for the connected peer: order is kept between calls that await each other. Until then, and
   * for good when it rejects, `payload` must stay as it is.
   */
  sendMessage(peer: NodeId, type: number, payload: Uint8Array): Promise<void>;
  /** The peers that are on line. */
  peers(): Promise<NodeId[]>;
  /** Makes a peer connection (BOLT 8) and returns once the peer is on line. */
  connectPeer(peer: NodeId, address: string): Promise<void>;
  /** The peers with whom a channel is open and usable now. */
  channelPeers(): Promise<ReadonlySet<NodeId>>;

  /** Repeatable: an invoice of this preimage that exists already is returned, whatever its state. */
  createInvoice(invoice: NewInvoice): Promise<CreatedInvoice>;
  /** Undefined: the node has never seen this hash. */
  lookUpInvoice(paymentHash: PaymentHash): Promise<InvoiceState | undefined>;
  /** Repeatable. After it resolves the invoice cannot be paid any more, a held payment goes back, or it had been settled: look it up. */
  cancelInvoice(paymentHash: PaymentHash): Promise<void>;
  /**
   * Takes the held payment. Repeatable; resolves when the node settled it or had settled it. Rejects with 'refused' when there is
   * nothing to settle (open or cancelled), with 'not-found' for an unknown hash.
   */
  settleInvoice(preimage: string): Promise<void>;
  /**
   * Tells `listener.invoice` what becomes of this invoice: `held`, `settled`, `cancelled`; its present state, unless open, soon after
   * this call, and again after every outage. Ends by itself once it is settled or cancelled, with `close`, and with the returned
   * function. Once per invoice: a second call replaces the first.
   */
  watchInvoice(paymentHash: PaymentHash): () => void;
  /**
   * The invoices that `createInvoice` made on this node at or after `sinceS` (unix seconds), whatever process called it: so that
   * a provider that runs on an old copy of its books can notice.
   */
  ourInvoices(sinceS: number): Promise<readonly OurInvoice[]>;

  /** Pays a BOLT 11 invoice once: the same invoice again joins the payment under way or returns the preimage of the finished one. */
  pay(payment: Payment): Promise<PaidInvoice>;
}

export type LightningErrorCode =
  | 'unavailable' // the node does not answer: try again later
  | 'peer-offline'
  | 'not-found'
  | 'payment-failed' // terminal: no money has moved
  | 'payment-unknown' // timed out or interrupted: money may still move; ask again with the same invoice
  | 'permission-denied'
  | 'refused'; // anything else the node said no to: terminal

/** The one error type of this room. `message` says what happened and, where one can, what to do; it never holds secrets. */
export class LightningError extends Error {
  readonly code: LightningErrorCode;
  constructor(code: LightningErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'LightningError';
    this.code = code;
  }
}
