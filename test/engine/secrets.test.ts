import { expect, test } from 'vitest';
import { Market, JSON_ANSWER } from '../harness/market.ts';
import { unavailable } from '../harness/fake-node.ts';
import { answers, breaksAfter, delta, failsBefore } from '../harness/scripted-backend.ts';
import { chat, hex32 } from '../harness/wire-buyer.ts';
import { collectingLog } from '../harness/silent-log.ts';

test('no log at any level holds a prompt, an answer, a preimage or an invoice', async () => {
  const { log, text } = collectingLog();
  const market = await Market.open(2, { log });
  const { buyer, seller, backend, clock } = market;
  backend.will(failsBefore(), answers(JSON_ANSWER), breaksAfter(delta('a secret answer')));
  const sold = await buyer.order();
  await buyer.pay(sold);
  await buyer.result(sold.jobId);
  const broken = await buyer.order(chat({ stream: true }));
  await buyer.pay(broken);
  await buyer.result(broken.jobId);
  const refused = hex32();
  await buyer.request(refused);
  await buyer.input(refused, chat({ n: 50 }));
  await buyer.errorCode(refused);
  await buyer.raw(42_083, Buffer.from('a secret in a broken message'));
  const cancelled = await buyer.order();
  seller.node.faults.cancelInvoice = unavailable;
  await buyer.cancel(cancelled.jobId);
  await market.reaches(cancelled.jobId, 'closing none none');
  await clock.advance(3_000);
  market.disconnect();
  await market.breathe();

  const jobs = await seller.ledger.recentJobs(10);
  const secrets = [
    ...jobs.map(({ preimage }) => preimage),
    ...seller.node.account.invoices().map(({ paymentRequest }) => paymentRequest),
    'secret',
    'forty-two',
    'lnbcrt',
  ];
  expect(jobs).toHaveLength(3);
  expect(text()).toContain('request refused');
  expect(text()).toContain('attempt failed');
  expect(secrets.filter((secret) => text().includes(secret))).toEqual([]);
});
