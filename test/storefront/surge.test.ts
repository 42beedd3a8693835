import { describe, expect, test } from 'vitest';
import { JSON_ANSWER, Market, bothVersions } from '../harness/market.ts';
import { answers, gate } from '../harness/scripted-backend.ts';

const inFlightSurge = { threshold: 1, perJobBps: 5_000, maxMultiplierBps: 18_000 };

describe.each(bothVersions)('a seller of LCP v0.%i', (version) => {
  test('asks more for each paid job above the threshold, up to the most, and the list price again when idle', async () => {
    const market = await Market.open(version, { inFlightSurge });
    const { buyer, backend } = market;
    const finish = gate();
    backend.will(answers(finish, JSON_ANSWER));
    const quotes = [];
    for (let count = 0; count < 4; count++) {
      const quote = await buyer.order();
      quotes.push(quote);
      await buyer.pay(quote);
      await market.reaches(quote.jobId, 'funded running none');
    }
    const list = quotes[0]?.priceMsat ?? 0n;
    expect(quotes.map(({ priceMsat }) => priceMsat)).toEqual([list, list, (list * 15n) / 10n, (list * 18n) / 10n]);
    finish.open();
    for (const { jobId } of quotes) await buyer.result(jobId);
    await market.breathe();
    // Another buyer: the first has credit now.
    expect((await (await market.anotherBuyer('other')).order()).priceMsat).toBe(list);
  });

  test('asks the list price however busy it is, unless it is told to ask more', async () => {
    const market = await Market.open(version);
    const { buyer, backend } = market;
    backend.will(answers(gate()));
    const first = await buyer.order();
    await buyer.pay(first);
    await market.reaches(first.jobId, 'funded running none');
    expect((await buyer.order()).priceMsat).toBe(first.priceMsat);
  });
});
