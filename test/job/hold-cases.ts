import { msat } from '../../src/money/msat.ts';
import { E, closing, expired } from './given.ts';
import type { Case } from './given.ts';
import { NOW_MS, OUTPUT, PRICE } from './sample-job.ts';

const hold = { paymentMode: 'hold' } as const;
const held = { ...hold, funding: 'held', run: 'queued', heldMsat: PRICE, heldAtMs: NOW_MS } as const;
const working = { ...held, run: 'running', attempts: 1, startedAtMs: NOW_MS } as const;
const settling = {
  ...working,
  funding: 'settling',
  run: 'producing',
  delivery: 'withheld',
  streamId: OUTPUT.streamId,
} as const;
const unpaid = 'send-result failed';
const givenUp = { ...working, ...closing, run: 'failed' } as const;

export const holds: Case[] = [
  {
    name: 'a payment that is held starts the run, and moves no money',
    given: { ...hold, funding: 'open' },
    event: E['payment-held'],
    leadsTo: 'held queued none',
    effects: ['start-run'],
    job: { heldMsat: PRICE, heldAtMs: NOW_MS + 1 },
  },
  {
    name: 'a held payment is taken when output begins, and the bytes wait',
    given: working,
    event: E['output-began'],
    leadsTo: 'settling producing withheld',
    effects: ['settle-invoice'],
  },
  {
    name: 'the bytes leave when it was taken',
    given: settling,
    event: E['payment-settled'],
    leadsTo: 'funded producing sending',
    effects: ['deliver'],
    entries: ['lightning→reserved 50000'],
    job: { receivedMsat: PRICE },
  },
  {
    name: 'an answer that was complete before the payment was taken is charged then',
    given: { ...settling, run: 'ended', chargeMsat: msat(500n) },
    event: E['payment-settled'],
    leadsTo: 'closed ended sending',
    effects: ['deliver'],
    entries: ['lightning→reserved 50000', 'reserved→revenue 500', 'reserved→buyer 49500'],
  },
  {
    name: 'so is one that came up to its limit before',
    given: { ...settling, run: 'failed', chargeMsat: msat(500n) },
    event: E['payment-settled'],
    leadsTo: 'closed failed sending',
    effects: ['deliver'],
    entries: ['lightning→reserved 50000', 'reserved→revenue 500', 'reserved→buyer 49500'],
  },
  {
    name: 'one that broke before the payment was taken is credited then',
    given: { ...settling, run: 'failed' },
    event: E['payment-settled'],
    leadsTo: 'refunded failed sending',
    effects: ['alert', 'deliver'],
    entries: ['lightning→reserved 50000', 'reserved→buyer 50000'],
  },
  {
    name: 'a run that fails before its first byte gives the payment back',
    given: working,
    event: { kind: 'attempt-failed', retryable: false, reason: 'broken' },
    leadsTo: 'closing failed none',
    effects: ['cancel-invoice'],
  },
  {
    name: 'so does a wait for a slot that was too long',
    given: held,
    event: E['queue-timed-out'],
    leadsTo: 'closing failed none',
    effects: ['abort-run', 'cancel-invoice'],
  },
  {
    name: 'so does an answer that has no room at the buyer',
    given: working,
    event: E['cut-short'],
    leadsTo: 'closing failed none',
    effects: ['cancel-invoice'],
  },
  {
    name: "so does the buyer's cancel",
    given: working,
    event: E['cancel-requested'],
    leadsTo: 'closing running none',
    effects: ['cancel-invoice', 'abort-run'],
    job: { cancelled: true },
  },
  {
    name: 'a cancelled run costs nothing once the payment is given back',
    given: { ...working, ...closing, cancelled: true },
    event: E['run-aborted'],
    leadsTo: 'closing ended none',
    job: { chargeMsat: msat(0n) },
  },
  {
    name: 'a payment is held no longer than its deadline',
    given: working,
    event: E['hold-expired'],
    leadsTo: 'closing failed none',
    effects: ['cancel-invoice', 'abort-run', 'delete-contents'],
  },
  {
    name: 'the buyer hears why nothing was taken',
    given: givenUp,
    event: E['invoice-cancelled'],
    leadsTo: 'closed failed none',
    effects: [unpaid, 'delete-contents'],
  },
  {
    name: 'a payment that the operator took all the same is credited',
    given: givenUp,
    event: E['payment-settled'],
    leadsTo: 'refunded failed none',
    effects: ['alert', 'delete-contents'],
    entries: ['lightning→buyer 50000'],
  },
  {
    name: 'a payment that the operator took early counts',
    given: working,
    event: E['payment-settled'],
    leadsTo: 'funded running none',
    entries: ['lightning→reserved 50000'],
  },
  {
    name: 'a payment that the node gave back ends the work',
    given: working,
    event: E['invoice-cancelled'],
    leadsTo: 'closed failed none',
    effects: [unpaid, 'abort-run', 'delete-contents'],
  },
  {
    name: 'also when it was about to be taken: no byte leaves',
    given: settling,
    event: E['invoice-cancelled'],
    leadsTo: 'closed failed none',
    effects: [unpaid, 'abort-run', 'delete-contents'],
  },
  {
    name: 'a payment held for a quote that is being withdrawn is given back',
    given: { ...hold, ...closing },
    event: E['payment-held'],
    leadsTo: 'closing none none',
    effects: ['cancel-invoice'],
  },
  {
    name: 'a repeated request after that has expired',
    given: { ...givenUp, funding: 'closed' },
    event: E['request-repeated'],
    leadsTo: 'closed failed none',
    effects: [expired],
  },
];

const reserved = { reservedMsat: msat(700n) } as const;
const released = 'reserved→buyer 700';

export const credits: Case[] = [
  {
    name: 'an invoice that the node refuses',
    given: reserved,
    event: E['invoice-refused'],
    leadsTo: 'closed none none',
    effects: ['send-error payment-required', 'delete-contents'],
    entries: [released],
  },
  {
    name: 'an invoice cancelled by others',
    given: { ...reserved, funding: 'open' },
    event: E['invoice-cancelled'],
    leadsTo: 'closed none none',
    effects: [expired, 'delete-contents'],
    entries: [released],
  },
  {
    name: 'a confirmed cancel',
    given: { ...reserved, ...closing, cancelled: true },
    event: E['invoice-cancelled'],
    leadsTo: 'closed none none',
    effects: ['send-result cancelled', 'delete-contents'],
    entries: [released],
  },
  {
    name: 'a confirmed expiry',
    given: { ...reserved, ...closing },
    event: E['invoice-cancelled'],
    leadsTo: 'closed none none',
    effects: ['delete-contents'],
    entries: [released],
  },
  {
    name: 'a payment that raced with the cancel',
    given: { ...reserved, ...closing, cancelled: true },
    event: E['payment-settled'],
    leadsTo: 'refunded none none',
    effects: ['send-result cancelled', 'delete-contents'],
    entries: ['lightning→buyer 50000', released],
  },
  {
    name: 'a held payment that the node gave back',
    given: { ...settling, ...reserved },
    event: E['invoice-cancelled'],
    leadsTo: 'closed failed none',
    effects: [unpaid, 'abort-run', 'delete-contents'],
    entries: [released],
  },
];
