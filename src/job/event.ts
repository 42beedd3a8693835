import type { Msat } from '../money/msat.ts';
import type { Output, Usage } from './job.ts';

/** What happened to a job; past tense. The engine brings them, `step` answers. */
export type JobEvent =
  // funding
  | { readonly kind: 'invoice-created'; readonly paymentRequest: string }
  | { readonly kind: 'invoice-refused'; readonly reason: string }
  | { readonly kind: 'invoice-cancelled' }
  | { readonly kind: 'payment-settled'; readonly receivedMsat: Msat }
  | { readonly kind: 'payment-held'; readonly heldMsat: Msat }
  /** The payment was held as long as we hold one. */
  | { readonly kind: 'hold-expired' }
  | { readonly kind: 'quote-expired' }
  | { readonly kind: 'cancel-requested' }
  | { readonly kind: 'request-repeated' }
  // run
  | { readonly kind: 'slot-granted' }
  | { readonly kind: 'queue-timed-out' }
  | { readonly kind: 'attempt-failed'; readonly retryable: boolean; readonly reason: string; readonly output?: Output }
  /**
   * The answer came up to a bound that a buyer can bring about (the bytes that both manifests allow, or, once it has output, its time), or the
   * backend ended its stream without the last event.
   */
  | { readonly kind: 'cut-short'; readonly reason: string; readonly usage: Usage; readonly output?: Output }
  /** `retryable`: there is a backend that was not tried yet; the same one would be as slow again. */
  | { readonly kind: 'first-byte-timed-out'; readonly retryable: boolean }
  | { readonly kind: 'next-byte-timed-out'; readonly output?: Output }
  | { readonly kind: 'output-began'; readonly streamId: string; readonly contentType: string }
  | { readonly kind: 'output-ended'; readonly output: Output; readonly usage: Usage }
  | { readonly kind: 'run-aborted'; readonly usage: Usage }
  | { readonly kind: 'run-timed-out' }
  /** The process started again; `output` and `usage` when the spool of this job was complete. */
  | { readonly kind: 'restarted'; readonly output?: Output; readonly usage?: Usage }
  // delivery
  | { readonly kind: 'peer-lost' }
  | { readonly kind: 'peer-returned' }
  | { readonly kind: 'stream-sent' }
  | { readonly kind: 'delivery-confirmed' }
  | { readonly kind: 'retention-passed' }
  // raised by one table for the others, within the same step
  | { readonly kind: 'funded' }
  /** The held payment was given back, or is being given back. */
  | { readonly kind: 'payment-lost' }
  | { readonly kind: 'run-ended' }
  | { readonly kind: 'run-failed' };

export type EventKind = JobEvent['kind'];
export type EventOf<K extends EventKind> = Extract<JobEvent, { kind: K }>;
