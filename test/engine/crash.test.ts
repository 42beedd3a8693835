import { describe, expect, test } from 'vitest';
import { JSON_ANSWER, Market, SSE_ANSWER, sseAnswer } from '../harness/market.ts';
import { answers } from '../harness/scripted-backend.ts';
import { chat, hex32 } from '../harness/wire-buyer.ts';
import { until } from '../harness/until.ts';

/** A sale is seven decisions that are saved: accepted, quoted, paid, given a slot, output began, ended, delivered. */
const DECISIONS = 7;
const AFTER_OUTPUT_BEGAN = 5;

interface CrashPoint {
  readonly commit: number;
  /** `before`: the decision is lost. `after`: it is saved, and nothing that follows from it is done. */
  readonly moment: 'before' | 'after';
}

const points = Array.from({ length: DECISIONS }, (_, index) => index + 1).flatMap((commit): CrashPoint[] => [
  { commit, moment: 'before' },
  { commit, moment: 'after' },
]);

/** A seller that dies at one point of its life, once. */
async function doomedMarket(version: 2 | 3, { commit, moment }: CrashPoint): Promise<Market> {
  let commits = 0;
  let market: Market | undefined;
  const kill = (): void => market?.seller.kill();
  market = await Market.open(version, {
    onLedger: (method) => {
      if (method !== 'commit' || ++commits !== commit) return;
      if (moment === 'before') kill();
      else queueMicrotask(kill);
    },
  });
  return market;
}

/** Waits for something, restarting the seller when it dies meanwhile; `again` is what a buyer does who hears nothing. */
async function through<T>(
  market: Market,
  question: () => T | Promise<T>,
  again: () => Promise<unknown>,
): Promise<NonNullable<T>> {
  return until('the sale goes on', async () => {
    if (market.seller.isDead) {
      await market.restart({});
      await until('the seller knows the buyer again', () =>
        market.seller.session.manifestOf(market.buyer.node.nodeId, market.buyer.version),
      );
      await again();
    }
    return question();
  });
}

/** Time passes only while it is waited for: files have all the time they need. */
async function isDelivered(market: Market, jobId: string): Promise<boolean> {
  const live = market.seller.engine.liveJobs()[0];
  if (live?.delivery === 'finishing') await market.clock.advance(2_000);
  return (await market.job(jobId))?.delivery === 'delivered';
}

async function sellThrough(market: Market, body: Uint8Array): Promise<string> {
  const { buyer } = market;
  const jobId = hex32();
  const streamId = hex32();
  const ask = async (): Promise<void> => {
    await buyer.request(jobId);
    await buyer.input(jobId, body, { streamId });
  };
  await ask();
  const quote = await through(market, () => buyer.all('quote', jobId)[0], ask);
  const paying = buyer.pay(quote);
  await through(
    market,
    () => buyer.all('result', jobId)[0],
    () => Promise.resolve(),
  );
  await paying;
  await through(
    market,
    () => isDelivered(market, jobId),
    () => Promise.resolve(),
  );
  return jobId;
}

describe.each([
  { version: 2 as const, body: chat(), script: answers(JSON_ANSWER), answer: JSON_ANSWER },
  { version: 3 as const, body: chat({ stream: true }), script: sseAnswer, answer: SSE_ANSWER },
])('a seller of LCP v0.$version that is killed', ({ version, body, script, answer }) => {
  test.each(points)('$moment decision $commit loses no money and sells one answer', async (point) => {
    const market = await doomedMarket(version, point);
    const { buyer, backend } = market;
    backend.will(script);
    const jobId = await sellThrough(market, body);
    expect(buyer.all('error', jobId)).toEqual([]);
    const results = buyer.all('result', jobId);
    const last = results.at(-1);
    const money = await market.money();
    const [price] = buyer.all('quote', jobId).map(({ priceMsat }) => priceMsat);
    expect(money).toMatchObject({ received: price, reserved: 0n });
    expect(new Set(buyer.all('stream-begin', jobId).map(({ streamId }) => streamId)).size).toBeLessThanOrEqual(1);
    expect(new Set(results.map(({ status }) => status)).size).toBe(1);
    if (last?.status === 'ok') {
      expect(buyer.delivery(jobId, buyer.all('stream-begin', jobId).length).bytes.toString()).toBe(answer);
      expect(money).toMatchObject({ revenue: 70_000n });
    } else expect(money).toMatchObject({ revenue: 0n, credit: price });
    if (point.commit > AFTER_OUTPUT_BEGAN) expect(backend.requests).toHaveLength(1);
    expect(last?.status).toBe(point.commit === AFTER_OUTPUT_BEGAN && point.moment === 'after' ? last?.status : 'ok');
  });
});
