import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nextDeadline } from '../../src/job/deadline.ts';
import { LIGHTNING, REVENUE, buyerAccount, reservedAccount } from '../../src/job/entry.ts';
import type { Effect } from '../../src/job/effect.ts';
import type { JobEvent } from '../../src/job/event.ts';
import type { Job } from '../../src/job/job.ts';
import type { PaymentMode } from '../../src/pricing/price-list.ts';
import { step } from '../../src/job/step.ts';
import { msat } from '../../src/money/msat.ts';
import { isAtRest } from '../../src/job/job.ts';
import { DEADLINES, EVENTS, NOW_MS, OUTPUT, PRICE, sampleJob } from './sample-job.ts';

const GRANT = 'grant';

const usage = fc.record({ inputTokens: fc.nat(100_000), outputTokens: fc.nat(100_000) });
const paid = fc
  .bigInt({ min: PRICE, max: PRICE * 2n })
  .map((received): JobEvent => ({ kind: 'payment-settled', receivedMsat: msat(received) }));
const anyEvent: fc.Arbitrary<JobEvent> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom<JobEvent>(...Object.values(EVENTS)) },
  { weight: 1, arbitrary: paid },
  { weight: 1, arbitrary: usage.map((used): JobEvent => ({ kind: 'output-ended', output: OUTPUT, usage: used })) },
  { weight: 1, arbitrary: usage.map((used): JobEvent => ({ kind: 'run-aborted', usage: used })) },
  { weight: 1, arbitrary: usage.map((used): JobEvent => ({ kind: 'restarted', output: OUTPUT, usage: used })) },
  { weight: 1, arbitrary: fc.constant<JobEvent>({ kind: 'attempt-failed', retryable: false, reason: 'broken' }) },
);
/** Mostly the way that a sale goes, so that far states are reached, with anything in between. */
const usual = [
  'invoice-created',
  'payment-settled',
  'slot-granted',
  'output-began',
  'output-ended',
  'stream-sent',
  'delivery-confirmed',
] as const;
const usualHeld = [
  'invoice-created',
  'payment-held',
  'slot-granted',
  'output-began',
  'payment-settled',
  'output-ended',
  'stream-sent',
  'delivery-confirmed',
] as const;
/** Credit that lowered the price of the job, and what the buyer had in all. */
const RESERVED = msat(3_000n);
const CREDIT = msat(10_000n);
const sequence = fc
  .tuple(
    fc.constantFrom<PaymentMode>('upfront', 'hold'),
    fc.nat(usualHeld.length),
    fc.array(anyEvent, { maxLength: 25 }),
    fc.array(anyEvent, { maxLength: 3 }),
  )
  .map(([paymentMode, steps, rest, before]) => {
    const way = (paymentMode === 'hold' ? usualHeld : usual).slice(0, steps).map((kind): JobEvent => EVENTS[kind]);
    return { paymentMode, events: [...before, ...way, ...rest] };
  });

interface Moment {
  readonly before: Job;
  readonly after: Job;
  readonly event: JobEvent;
  readonly effects: readonly Effect[];
  readonly balances: ReadonlyMap<string, bigint>;
}

/** The runner speaks only of jobs that it was given. */
const ofTheRunner: readonly JobEvent['kind'][] = [
  'slot-granted',
  'attempt-failed',
  'first-byte-timed-out',
  'next-byte-timed-out',
  'output-began',
  'output-ended',
  'run-aborted',
];

/** Every step of a history, with the balances after it. */
function history({ paymentMode, events }: { paymentMode: PaymentMode; events: readonly JobEvent[] }): Moment[] {
  let job = sampleJob({ paymentMode, reservedMsat: RESERVED });
  const balances = new Map<string, bigint>([
    [GRANT, 0n - CREDIT],
    [buyerAccount(job.peer), CREDIT - RESERVED],
    [reservedAccount(job.key), RESERVED],
  ]);
  const moments: Moment[] = [];
  for (const [index, event] of events.entries()) {
    if (job.run === 'none' && ofTheRunner.includes(event.kind)) continue;
    const next = step(job, event, NOW_MS + index);
    if (next === undefined) continue;
    for (const { from, to, amountMsat } of next.entries) {
      if (amountMsat <= 0n) throw new Error('an entry moves nothing');
      balances.set(from, (balances.get(from) ?? 0n) - amountMsat);
      balances.set(to, (balances.get(to) ?? 0n) + amountMsat);
    }
    moments.push({ before: job, after: next.job, event, effects: next.effects, balances: new Map(balances) });
    job = next.job;
  }
  return moments;
}

const law = (name: string, check: (moment: Moment, all: readonly Moment[], index: number) => void): void =>
  test(name, () => {
    fc.assert(
      fc.property(sequence, (course) => {
        const moments = history(course);
        for (const [index, moment] of moments.entries()) check(moment, moments, index);
      }),
      { numRuns: 1000 },
    );
  });

const isFundingFinal = ({ funding }: Job): boolean => funding === 'closed' || funding === 'refunded';
/** `closing` and `settling` end by calls that are repeated until the node answers; `sending` by the delivery, which says that all was sent or the peer lost. */
const isDriven = ({ funding }: Job): boolean => funding === 'closing' || funding === 'settling';
/** Paid only after it had been given up: all of it became credit. */
const wasGivenBack = ({ receivedMsat, fundedAtMs }: Job): boolean =>
  receivedMsat !== undefined && fundedAtMs === undefined;
const isRunFinal = ({ run }: Job): boolean => run === 'ended' || run === 'failed';

describe('whatever happens to a job, in whatever order,', () => {
  law('its entries sum to zero, and no account but the outside world is in debt', ({ balances }) => {
    expect([...balances.values()].reduce((sum, balance) => sum + balance, 0n)).toBe(0n);
    for (const [account, balance] of balances)
      if (account !== LIGHTNING && account !== GRANT) expect(balance).toBeGreaterThanOrEqual(0n);
  });

  law('nothing stays reserved for it once its funding is final', ({ after, balances }) => {
    if (isFundingFinal(after)) expect(balances.get(reservedAccount(after.key)) ?? 0n).toBe(0n);
  });

  law('what was received and granted is revenue, credit or reserved, and nothing else', ({ after, balances }) => {
    const held = [REVENUE, buyerAccount(after.peer), reservedAccount(after.key)].reduce(
      (sum, account) => sum + (balances.get(account) ?? 0n),
      0n,
    );
    expect(held).toBe(CREDIT + (after.receivedMsat ?? 0n));
    expect(held).toBe(CREDIT - (balances.get(LIGHTNING) ?? 0n));
  });

  law(
    'the charge is never more than payment and reserved credit, and a failure of ours costs nothing',
    ({ after, balances }) => {
      const revenue = balances.get(REVENUE) ?? 0n;
      expect(revenue).toBeLessThanOrEqual((after.receivedMsat ?? 0n) + RESERVED);
      if (after.receivedMsat === undefined) expect(revenue).toBe(0n);
      const isServed =
        after.funding === 'closed' &&
        after.receivedMsat !== undefined &&
        !wasGivenBack(after) &&
        (after.run === 'ended' || after.run === 'failed');
      if (isFundingFinal(after)) expect(revenue).toBe(isServed ? (after.chargeMsat ?? 0n) : 0n);
      if (after.funding === 'refunded') expect(revenue).toBe(0n);
    },
  );

  law('it is paid once', ({ before, after }) => {
    if (before.receivedMsat !== undefined) expect(after.receivedMsat).toBe(before.receivedMsat);
  });

  law('it never runs before it is paid, or held in hold mode', ({ after }) => {
    if (after.run !== 'none') expect(after.receivedMsat ?? after.heldMsat).toBeDefined();
    if (after.heldMsat !== undefined) expect(after.paymentMode).toBe('hold');
  });

  law('nothing of its answer leaves before it is paid', ({ after, effects }) => {
    if (after.receivedMsat !== undefined) return;
    expect(['none', 'withheld']).toContain(after.delivery);
    expect(effects.map(({ kind }) => kind)).not.toContain('deliver');
  });

  law(
    'reserved credit is free again only when nobody can pay, and nobody is told so before',
    ({ before, after, event }) => {
      const isReleased = before.receivedMsat === undefined && isFundingFinal(after) && !isFundingFinal(before);
      if (isReleased) expect(['invoice-cancelled', 'invoice-refused', 'payment-settled']).toContain(event.kind);
    },
  );

  law('it never runs again once output began', ({ event, before, after, effects }, all, index) => {
    const began = all.slice(0, index).some((moment) => moment.after.run === 'producing');
    if (!began) return;
    expect(['producing', 'ended', 'failed']).toContain(after.run);
    expect(effects.map(({ kind }) => kind)).not.toContain('start-run');
    if (event.kind === 'output-began') expect(after.streamId).toBe(before.streamId);
  });

  law('it is attempted three times at most', ({ after }) => {
    expect(after.attempts).toBeLessThanOrEqual(3);
  });

  law('what is final stays final', ({ before, after }) => {
    if (isFundingFinal(before)) expect(after.funding).toBe(before.funding);
    if (isRunFinal(before)) expect([after.run, after.chargeMsat]).toEqual([before.run, before.chargeMsat]);
    if (before.delivery === 'done' || before.delivery === 'unclaimed') expect(after.delivery).toBe(before.delivery);
  });

  law('a job whose run is final has its money booked, or being taken or given back', ({ after }) => {
    if (isRunFinal(after)) expect(isFundingFinal(after) || isDriven(after)).toBe(true);
  });

  law('a paid job has its answer or its refusal delivered', ({ after }) => {
    if (isRunFinal(after) && after.receivedMsat !== undefined && !wasGivenBack(after))
      expect(after.delivery).not.toBe('none');
  });

  law('it is at rest, or time alone leads on', ({ after }) => {
    if (!isAtRest(after) && !isDriven(after) && after.delivery !== 'sending')
      expect(nextDeadline(after, DEADLINES)).toBeDefined();
  });

  law('the event of a deadline that passes changes it, and no deadline comes twice for ever', ({ after }) => {
    let job = after;
    for (let count = 0; count < 6; count++) {
      const next = nextDeadline(job, DEADLINES);
      if (next === undefined) return;
      const stepped = step(job, next.event, Math.max(job.changedAtMs, next.atMs));
      if (stepped === undefined)
        throw new Error(`${next.event.kind} means nothing to ${job.funding} ${job.run} ${job.delivery}`);
      job = stepped.job;
    }
    throw new Error(`still waiting for time after six deadlines: ${job.funding} ${job.run} ${job.delivery}`);
  });
});
