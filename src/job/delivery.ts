import { paid, paymentBeingTaken, stillRunning } from './rules.ts';
import type { DeliveryState } from './job.ts';
import type { Row } from './table.ts';

const sentNow = (_job: unknown, _event: unknown, nowMs: number) => ({ sentAtMs: nowMs });

/** Getting the bytes there. LCP has no acknowledgement: a peer that is still there a moment after the last message has it. */
export const deliveryTable: readonly Row<DeliveryState>[] = [
  {
    from: ['none'],
    on: 'output-began',
    when: paymentBeingTaken,
    to: 'withheld',
    why: 'a held payment is settled before the first byte leaves',
  },
  { from: ['withheld'], on: 'payment-settled', to: 'sending', effects: [{ kind: 'deliver' }] },
  { from: ['none', 'withheld'], on: 'payment-lost', to: 'none', effects: [{ kind: 'delete-contents' }] },
  { from: ['none'], on: 'output-began', when: paid, to: 'sending', effects: [{ kind: 'deliver' }] },
  {
    from: ['none'],
    on: 'run-failed',
    when: paid,
    to: 'sending',
    effects: [{ kind: 'deliver' }],
    why: 'no output: the result alone',
  },
  {
    from: ['none'],
    on: 'run-ended',
    when: paid,
    to: 'sending',
    effects: [{ kind: 'deliver' }],
    why: 'cancelled before output: the result alone',
  },
  { from: ['sending', 'finishing'], on: 'peer-lost', to: 'paused', effects: [{ kind: 'stop-delivery' }] },
  {
    from: ['paused'],
    on: 'peer-returned',
    to: 'sending',
    effects: [{ kind: 'deliver' }],
    why: 'the same stream again, with the same chunks',
  },
  {
    from: ['sending'],
    on: 'stream-sent',
    to: 'finishing',
    patch: sentNow,
    isUnsaved: true,
    why: 'not saved: after a restart it is sent again either way',
  },
  { from: ['finishing'], on: 'delivery-confirmed', to: 'delivered' },
  {
    from: ['paused', 'finishing', 'delivered'],
    on: 'request-repeated',
    to: 'sending',
    effects: [{ kind: 'deliver' }],
    why: 'the stored answer, never a second run',
  },
  { from: ['sending', 'finishing'], on: 'restarted', to: 'paused' },
  { from: ['paused'], on: 'retention-passed', when: stillRunning, to: 'same' },
  { from: ['paused'], on: 'retention-passed', to: 'unclaimed', effects: [{ kind: 'delete-contents' }] },
  {
    from: ['delivered'],
    on: 'retention-passed',
    to: 'done',
    effects: [{ kind: 'delete-contents' }],
    why: 'the tombstone stays for ever',
  },
];
