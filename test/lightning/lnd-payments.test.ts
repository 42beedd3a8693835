import { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Connection, RawPayment } from '../../src/lightning/lnd/connection.ts';
import { Payments } from '../../src/lightning/lnd/payments.ts';
import { msat } from '../../src/money/msat.ts';
import { codeOf } from './contract.ts';

interface Request {
  readonly timeout_seconds?: number;
  readonly payment_hash?: Buffer;
}
type Script = (stream: EventEmitter) => void;

const succeeded: Partial<RawPayment> = { status: 'SUCCEEDED', payment_preimage: 'cd'.repeat(32), fee_msat: '7' };
const failed: Partial<RawPayment> = { status: 'FAILED', failure_reason: 'FAILURE_REASON_NO_ROUTE' };
const data =
  (payment: object): Script =>
  (stream) => {
    stream.emit('data', payment);
    stream.emit('end');
  };
const error =
  (code: number, details: string): Script =>
  (stream) =>
    stream.emit('error', Object.assign(new Error(details), { code, details }));
const end: Script = (stream) => stream.emit('end');
const silence: Script = () => undefined;

/** lnd's router with prepared answers: one for sending, one for tracking. */
function router(send: Script, track: Script = error(5, "payment isn't initiated")) {
  const requests: [string, Request][] = [];
  const answer = (name: string, script: Script) => (request: Request) => {
    requests.push([name, request]);
    const stream = Object.assign(new EventEmitter(), { cancel: () => undefined });
    setImmediate(() => script(stream));
    return stream;
  };
  const connection = { router: { sendPaymentV2: answer('send', send), trackPaymentV2: answer('track', track) } };
  return { payments: new Payments(connection as unknown as Connection), requests };
}

// The first example of BOLT 11.
const EXAMPLE =
  'lnbc1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdpl2pkx2ctnv5sxxmmwwd5kgetjypeh2ursdae8g6twvus8g6rfwvs8qun0dfjkxaq9qrsgq357wnc5r2ueh7ck6q93dj32dlqnls087fxdwk8qakdyafkq3yap9us6v52vjjsrvywa6rt52cm9r9zqt8r2t7mlcwspyetp5h2tztugp9lfyql';
const pay = (payments: Payments, timeoutMs = 5000) =>
  payments.pay({ paymentRequest: EXAMPLE, maxFeeMsat: msat(10), timeoutMs });

describe('a payment through lnd', () => {
  it('gives preimage and fee', async () => {
    const { payments } = router(data(succeeded));
    expect(await pay(payments)).toEqual({ preimage: 'cd'.repeat(32), feeMsat: 7n });
  });

  it.each([
    ['payment-failed', 'failed', data(failed), silence],
    ['payment-unknown', 'the link broke', error(14, 'Connection dropped'), silence],
    ['payment-unknown', 'lnd ended the stream without an outcome', end, silence],
    ['payment-unknown', 'lnd began again and the link broke', error(6, 'payment is in transition'), error(14, 'gone')],
    ['payment-failed', 'it had been under way and failed', error(6, 'payment is in transition'), data(failed)],
    ['no error', 'it had been under way and succeeded', error(6, 'payment is in transition'), data(succeeded)],
    ['no error', 'it is paid', error(6, 'invoice is already paid'), data(succeeded)],
    ['no error', 'it is paid, and has expired since', error(2, 'invoice expired. Valid until …'), data(succeeded)],
    ['refused', 'it expired unpaid', error(2, 'invoice expired. Valid until …'), error(5, "payment isn't initiated")],
    ['permission-denied', 'the macaroon may not pay', error(2, 'permission denied'), silence],
  ])('%s: %s', async (code, _, send, track) => {
    expect(await codeOf(pay(router(send, track).payments))).toBe(code);
  });

  it('is sent once for all who ask at the same time', async () => {
    const { payments, requests } = router((stream) => setTimeout(() => data(succeeded)(stream), 20));
    const paid = await Promise.all([pay(payments), pay(payments), pay(payments)]);
    expect(paid).toHaveLength(3);
    expect(requests.map(([name]) => name)).toEqual(['send']);
  });

  it('without an outcome in time is unknown, and the next call joins it', async () => {
    const { payments, requests } = router((stream) => setTimeout(() => data(succeeded)(stream), 60));
    expect(await codeOf(pay(payments, 20))).toBe('payment-unknown');
    expect((await pay(payments)).feeMsat).toBe(7n);
    expect(requests).toHaveLength(1);
  });

  it('that fails after everybody has gone disturbs nobody', async () => {
    const { payments } = router((stream) => setTimeout(() => error(14, 'gone')(stream), 40));
    expect(await codeOf(pay(payments, 10))).toBe('payment-unknown');
    await delay(60); // an unhandled rejection would fail the run
  });

  it('gives lnd less time than itself, so that a clear failure comes first', async () => {
    const { payments, requests } = router(data(failed));
    await codeOf(pay(payments, 8000));
    expect(requests[0]?.[1].timeout_seconds).toBe(7);
  });

  it('is tracked by the hash of its invoice', async () => {
    const { payments, requests } = router(error(6, 'invoice is already paid'), data(succeeded));
    await pay(payments);
    const { id } = (
      createRequire(import.meta.url)('invoices') as { parsePaymentRequest: (a: object) => { id: string } }
    ).parsePaymentRequest({ request: EXAMPLE });
    expect(requests[1]?.[1].payment_hash?.toString('hex')).toBe(id);
  });

  it('of something that is no invoice never reaches lnd', async () => {
    const { payments, requests } = router(silence);
    expect(await codeOf(payments.pay({ paymentRequest: 'lnbc1', maxFeeMsat: msat(0), timeoutMs: 1 }))).toBe('refused');
    expect(requests).toEqual([]);
  });
});
