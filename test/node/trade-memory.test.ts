import { expect, test } from 'vitest';
import { LIGHTNING, REVENUE, reservedAccount } from '../../src/job/entry.ts';
import { msat } from '../../src/money/msat.ts';
import { Market } from '../harness/market.ts';
import { changeOf, jobNamed } from '../ledger/job-fixture.ts';

const QUOTES = 3_000;
const price = { amountMsat: msat(500n), reason: 'moved' };

test('a buyer that paid once is no stranger after a restart, however many asked for quotes since', async () => {
  const market = await Market.open();
  const { ledger } = market.seller;
  const sold = jobNamed('buyer#1', {
    funding: 'closed',
    run: 'failed',
    receivedMsat: price.amountMsat,
  });
  const reserved = reservedAccount(sold.key);
  const entries = [
    { ...price, jobKey: sold.key, from: LIGHTNING, to: reserved },
    { ...price, jobKey: sold.key, from: reserved, to: REVENUE }, // all of it: no credit is left that tells of it
  ];
  await ledger.commit(changeOf(sold, { entries }));
  const quotes = Array.from({ length: QUOTES }, (_, index) => jobNamed(`stranger ${index}`, { funding: 'closed' }));
  await Promise.all(quotes.map((job) => ledger.commit(changeOf(job))));
  const isTrusted = (peer: string) => market.seller.admission.holder(peer).isTrusted;
  expect(isTrusted(sold.peer)).toBe(false);
  await market.restart();
  expect(isTrusted(sold.peer)).toBe(true);
  expect(isTrusted(quotes[0]?.peer ?? '')).toBe(false);
});
