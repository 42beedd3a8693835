import {
  buyerCancelled,
  chargeToRevenue,
  contentsKept,
  coverToCredit,
  notYetReceived,
  notYetReceivedAndCancelled,
  receivedToCredit,
  receivedToReserved,
} from './rules.ts';
import type { FundingState } from './job.ts';
import { patchFrom } from './table.ts';
import type { Row } from './table.ts';

const rememberReceipt = patchFrom('payment-settled', (event) => ({ receivedMsat: event.receivedMsat }));
const rememberFunding = patchFrom('payment-settled', (event, _job, nowMs) => ({
  receivedMsat: event.receivedMsat,
  fundedAtMs: nowMs,
}));
const rememberCancel = () => ({ cancelled: true });

const CANCELLED = { kind: 'send-result', status: 'cancelled', message: 'cancelled by the requester' } as const;
const EXPIRED = {
  kind: 'send-error',
  code: 'quote-expired',
  message: 'the quote has expired; send a new request with a new job id',
} as const;

/** Who has paid what. A job enters as `invoicing`, with the invoice's hash and preimage saved before the node is asked for it. */
export const fundingTable: readonly Row<FundingState>[] = [
  {
    from: ['invoicing'],
    on: 'invoice-created',
    to: 'open',
    patch: patchFrom('invoice-created', ({ paymentRequest }) => ({ paymentRequest })),
    effects: [{ kind: 'send-quote' }],
  },
  {
    from: ['invoicing'],
    on: 'invoice-refused',
    to: 'closed',
    effects: [
      {
        kind: 'send-error',
        code: 'payment-required',
        message: 'the provider cannot create an invoice now; try again later',
      },
      { kind: 'delete-contents' },
    ],
  },
  { from: ['invoicing', 'open'], on: 'quote-expired', to: 'closing', effects: [{ kind: 'cancel-invoice' }] },
  {
    from: ['invoicing', 'open'],
    on: 'cancel-requested',
    to: 'closing',
    patch: rememberCancel,
    effects: [{ kind: 'cancel-invoice' }],
    why: 'nobody can pay for nothing',
  },
  {
    from: ['invoicing', 'open'],
    on: 'payment-settled',
    when: notYetReceived,
    to: 'funded',
    patch: rememberFunding,
    entries: [receivedToReserved],
    raises: 'funded',
  },
  {
    from: ['open'],
    on: 'invoice-cancelled',
    to: 'closed',
    effects: [EXPIRED, { kind: 'delete-contents' }],
    why: 'by the node or its operator',
  },
  { from: ['open'], on: 'request-repeated', to: 'same', effects: [{ kind: 'send-quote' }] },
  { from: ['closing'], on: 'cancel-requested', to: 'same', patch: rememberCancel },
  {
    from: ['closing'],
    on: 'invoice-cancelled',
    when: buyerCancelled,
    to: 'closed',
    effects: [CANCELLED, { kind: 'delete-contents' }],
  },
  { from: ['closing'], on: 'invoice-cancelled', to: 'closed', effects: [{ kind: 'delete-contents' }] },
  {
    from: ['closing'],
    on: 'payment-settled',
    when: notYetReceivedAndCancelled,
    to: 'refunded',
    patch: rememberReceipt,
    entries: [receivedToCredit],
    effects: [CANCELLED, { kind: 'delete-contents' }],
    why: 'paid at the moment of the cancel',
  },
  {
    from: ['closing'],
    on: 'payment-settled',
    when: notYetReceived,
    to: 'funded',
    patch: rememberFunding,
    entries: [receivedToReserved],
    raises: 'funded',
    why: 'paid at the moment of the deadline',
  },
  { from: ['funded'], on: 'run-ended', to: 'closed', entries: [chargeToRevenue] },
  {
    from: ['funded'],
    on: 'run-failed',
    to: 'refunded',
    entries: [coverToCredit],
    effects: [{ kind: 'alert', message: 'a paid job failed by our fault: all of it was credited to the buyer' }],
  },
  {
    from: ['closed', 'refunded', 'closing'],
    on: 'request-repeated',
    when: contentsKept,
    to: 'same',
    why: 'delivery answers',
  },
  { from: ['closed', 'refunded', 'closing'], on: 'request-repeated', to: 'same', effects: [EXPIRED] },
  {
    from: 'any',
    on: 'payment-settled',
    when: notYetReceived,
    to: 'same',
    patch: rememberReceipt,
    entries: [receivedToCredit],
    effects: [{ kind: 'alert', message: 'a payment arrived that no state expected: it was credited to the buyer' }],
    why: 'payment events are total; an invoice settles once',
  },
  {
    from: 'any',
    on: 'payment-held',
    to: 'same',
    effects: [{ kind: 'cancel-invoice' }],
    why: 'never hold what is not expected',
  },
];
