import { describe, expect, test } from 'vitest';
import { codeOf } from '../lightning/contract.ts';
import { unavailable } from '../harness/fake-node.ts';
import { JSON_ANSWER, Market, bothVersions } from '../harness/market.ts';
import { DONE, answers, completion, delta, gate, staysSilent } from '../harness/scripted-backend.ts';
import { until } from '../harness/until.ts';
import { chat, hex32 } from '../harness/wire-buyer.ts';

describe.each(bothVersions)('a cancel by a buyer of LCP v0.%i', (version) => {
  test('while its input is on the way ends it', async () => {
    const market = await Market.open(version);
    const { buyer, seller } = market;
    const jobId = hex32();
    await buyer.request(jobId);
    await buyer.begin(jobId, chat());
    await buyer.cancel(jobId);
    expect((await buyer.result(jobId)).status).toBe('cancelled');
    expect(seller.intake.size).toBe(0);
    expect(await seller.ledger.recentJobs(1)).toEqual([]);
  });

  test('right behind the input ends it, with one answer', async () => {
    const market = await Market.open(version);
    const { buyer, seller } = market;
    const jobId = hex32();
    await buyer.request(jobId);
    await buyer.input(jobId, chat());
    await buyer.cancel(jobId);
    expect((await buyer.result(jobId)).status).toBe('cancelled');
    await buyer.settled();
    await market.breathe();
    expect(buyer.about(jobId).filter(({ kind }) => kind === 'result')).toHaveLength(1);
    expect(seller.node.account.invoices().filter(({ state }) => state === 'open')).toEqual([]);
  });

  test('while the job is being saved ends it, with one answer', async () => {
    const saved = gate();
    const market = await Market.open(version, {
      onLedger: (method) => (method === 'commit' ? saved.passed : undefined),
    });
    const { buyer, seller } = market;
    const jobId = hex32();
    await buyer.request(jobId);
    await buyer.input(jobId, chat());
    await until('it is being saved', () => seller.engine.liveJobs().length === 1);
    await buyer.cancel(jobId);
    await buyer.settled();
    saved.open();
    await market.reaches(jobId, 'closed none none');
    await buyer.settled();
    expect(buyer.all('result', jobId)).toMatchObject([{ status: 'cancelled' }]);
  });

  test('while the invoice is made has it cancelled', async () => {
    const market = await Market.open(version);
    const { buyer, seller, clock } = market;
    seller.node.faults.createInvoice = unavailable;
    const jobId = hex32();
    await buyer.request(jobId);
    await buyer.input(jobId, chat());
    await market.reaches(jobId, 'invoicing none none');
    await buyer.cancel(jobId);
    await market.reaches(jobId, 'closing none none');
    delete seller.node.faults.createInvoice;
    await clock.advance(1_000);
    expect((await buyer.result(jobId)).status).toBe('cancelled');
    expect(seller.node.account.invoices().filter(({ state }) => state === 'open')).toEqual([]);
    expect(buyer.all('quote', jobId)).toEqual([]);
  });

  test('before payment kills the invoice first, and is confirmed then', async () => {
    const market = await Market.open(version);
    const { buyer, seller } = market;
    const quote = await buyer.order();
    await buyer.cancel(quote.jobId);
    expect((await buyer.result(quote.jobId)).status).toBe('cancelled');
    expect(seller.node.account.invoices()).toMatchObject([{ state: 'cancelled' }]);
    expect(await codeOf(buyer.pay(quote))).toBe('payment-failed');
    await market.reaches(quote.jobId, 'closed none none');
  });

  test('in the queue costs nothing', async () => {
    const market = await Market.open(version, { slots: 1 });
    const { buyer, backend } = market;
    backend.will(staysSilent);
    await buyer.pay(await buyer.order());
    await until('the only slot is taken', () => backend.requests.length === 1);
    const quote = await buyer.order();
    await buyer.pay(quote);
    await market.reaches(quote.jobId, 'funded queued none');
    await buyer.cancel(quote.jobId);
    expect(await buyer.result(quote.jobId)).toMatchObject({ status: 'cancelled' });
    await market.reaches(quote.jobId, 'closed ended *');
    expect(await market.money()).toMatchObject({ revenue: 0n, credit: quote.priceMsat });
    expect(backend.requests).toHaveLength(1);
  });

  test('while the prompt is read charges the prompt, and stops the backend', async () => {
    const market = await Market.open(version);
    const { buyer, backend } = market;
    backend.will(staysSilent);
    const quote = await buyer.order();
    await buyer.pay(quote);
    await market.reaches(quote.jobId, 'funded running none');
    await until('the backend reads it', () => backend.requests.length === 1);
    await buyer.cancel(quote.jobId);
    expect((await buyer.result(quote.jobId)).status).toBe('cancelled');
    expect(backend.aborts).toBe(1);
    const prompt = BigInt(Math.ceil(chat().length / 4)) * 1_000n;
    expect(await market.money()).toEqual({
      received: quote.priceMsat,
      revenue: prompt,
      credit: quote.priceMsat - prompt,
      reserved: 0n,
    });
  });

  test('of a JSON answer charges for the time that it ran too, by half the pace that the model is known to have', async () => {
    const market = await Market.open(version);
    const { buyer, backend, clock } = market;
    const rest = gate();
    backend.will(answers(rest, completion('x', { prompt_tokens: 20, completion_tokens: 40 })), staysSilent);
    const first = await buyer.order();
    await buyer.pay(first);
    await until('it runs', () => backend.requests.length === 1);
    await clock.advance(10_000);
    rest.open();
    await buyer.result(first.jobId);
    const { revenue: earned } = await market.money();
    const second = await buyer.order();
    await buyer.pay(second);
    await until('it runs', () => backend.requests.length === 2);
    await clock.advance(10_000);
    await buyer.cancel(second.jobId);
    await buyer.result(second.jobId);
    const inputTokens = Math.ceil(chat().length / 4);
    const outputTokens = Math.floor((40 + 20 / 10) / 2 - inputTokens / 10); // a token of input costs a tenth
    expect(outputTokens).toBeGreaterThan(0);
    const { revenue } = await market.money();
    expect(revenue - earned).toBe(BigInt(inputTokens) * 1_000n + BigInt(outputTokens) * 10_000n);
  });

  test('in the middle of the answer charges prompt and what was produced, and credits the rest', async () => {
    const market = await Market.open(version);
    const { buyer, backend } = market;
    backend.will(answers(delta('a'), delta('b'), gate(), DONE));
    const body = chat({ stream: true });
    const quote = await buyer.order(body);
    await buyer.pay(quote);
    await buyer.hear('stream-chunk', quote.jobId);
    while (Buffer.concat(buyer.all('stream-chunk', quote.jobId).map(({ data }) => data)).length < delta('a').length * 2)
      await market.breathe();
    await buyer.cancel(quote.jobId);
    expect((await buyer.result(quote.jobId)).status).toBe('cancelled');
    expect(backend.aborts).toBe(1);
    const charge = BigInt(Math.ceil(body.length / 4)) * 1_000n + 2n * 10_000n;
    expect(await market.money()).toEqual({
      received: quote.priceMsat,
      revenue: charge,
      credit: quote.priceMsat - charge,
      reserved: 0n,
    });
  });

  test.each([
    ['text', [delta('many words in one event '.repeat(5))], 30n],
    [
      'figures',
      ['data: {"choices":[{"delta":{"content":"a"}}],"usage":{"prompt_tokens":7,"completion_tokens":33}}\n\n'],
      33n,
    ],
    ['more text than was quoted', [delta('x'.repeat(4_000))], 40n],
  ])('of a stream whose events hold many tokens charges them: by their %s', async (by, pieces, tokens) => {
    const market = await Market.open(version);
    const { buyer, backend } = market;
    backend.will(answers(...pieces, gate(), DONE));
    const body = chat({ stream: true, stream_options: { include_usage: true }, max_tokens: 40 });
    const quote = await buyer.order(body);
    await buyer.pay(quote);
    while (Buffer.concat(buyer.all('stream-chunk', quote.jobId).map(({ data }) => data)).length < pieces[0]!.length)
      await market.breathe();
    await buyer.cancel(quote.jobId);
    expect((await buyer.result(quote.jobId)).status).toBe('cancelled');
    const prompt = by === 'figures' ? 7n : BigInt(Math.ceil(body.length / 4));
    expect(await market.money()).toMatchObject({ revenue: prompt * 1_000n + tokens * 10_000n, reserved: 0n });
  });

  test('after delivery means nothing', async () => {
    const market = await Market.open(version);
    const { buyer } = market;
    const quote = await buyer.order();
    await buyer.pay(quote);
    await market.advanceUntil(quote.jobId, 'closed ended delivered');
    const heard = buyer.about(quote.jobId).length;
    await buyer.cancel(quote.jobId);
    await buyer.settled();
    expect(buyer.about(quote.jobId)).toHaveLength(heard);
    expect(buyer.delivery(quote.jobId).bytes.toString()).toBe(JSON_ANSWER);
    expect(await market.money()).toMatchObject({ revenue: 70_000n });
  });
});
