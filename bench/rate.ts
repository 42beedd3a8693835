import { startSeller } from './bench.ts';
import type { Bench } from './bench.ts';
import { CpuBook } from './cpu.ts';
import type { Section } from './report.ts';
import { sum, timed } from './statistics.ts';

const WIDTH = 16;
const ROUNDS = { full: 5, quick: 2 };
const COUNT = { full: 160, quick: 64 };
const GOAL = 0.9;

/** Sales against raw payments between the same nodes, as many at once, by turns. */
export async function measureRate(bench: Bench): Promise<Section> {
  const { raw, buyer, quick, tell } = bench;
  const [rounds, count] = quick ? [ROUNDS.quick, COUNT.quick] : [ROUNDS.full, COUNT.full];
  await using seller = await startSeller(bench);
  const [ofPayments, ofSales] = [await CpuBook.open(bench, seller), await CpuBook.open(bench, seller)];
  const [payments, bare, sales]: [number[], number[], number[]] = [[], [], []];
  for (let round = 1; round <= rounds; round++) {
    payments.push(await ofPayments.during(() => timed(count, WIDTH, () => raw.payment(buyer.lnd))));
    bare.push(await timed(count, WIDTH, () => raw.bareSale(buyer.lnd)));
    sales.push(await ofSales.during(() => timed(count, WIDTH, () => buyer.buy('brief'))));
    tell(`jobs per second: ${round} of ${rounds} rounds of ${count}`);
  }
  const all = rounds * count;
  const perSecond = (times: readonly number[]) => (all * 1000) / sum(times);
  const [paymentRate, bareRate, saleRate] = [payments, bare, sales].map(perSecond) as [number, number, number];
  return {
    title: `Jobs per second: ${WIDTH} buyers at once, ${rounds} rounds of ${count} raw payments and ${count} sales`,
    figures: [
      { name: 'sales, over raw payments', value: saleRate / paymentRate, unit: 'ratio', goal: { atLeast: GOAL } },
      { name: 'sales, over raw payments with nine raw messages each', value: saleRate / bareRate, unit: 'ratio' },
      { name: 'raw payments (AddInvoice and pay)', value: paymentRate, unit: 'per s' },
      { name: 'raw payments with nine raw messages each', value: bareRate, unit: 'per s' },
      { name: 'sales', value: saleRate, unit: 'per s' },
      ...ofPayments.figures('a payment', all),
      ...ofSales.figures('a sale', all),
    ],
  };
}
