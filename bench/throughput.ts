import { LARGE_BYTES } from './backend.ts';
import { startSeller } from './bench.ts';
import type { Bench } from './bench.ts';
import { CpuBook } from './cpu.ts';
import { nowMs } from './marks.ts';
import type { RawSender } from './raw.ts';
import type { Section } from './report.ts';
import { median } from './statistics.ts';
import { decodeMessage } from '../src/protocol/codec.ts';

const ROUNDS = { full: 5, quick: 2 };
const GOAL = 0.9;

interface Delivered {
  readonly megabytesPerSecond: number;
  readonly messages: number;
}

/** One large answer against raw custom messages of the same node: the same size, one in flight, by turns. */
export async function measureThroughput(bench: Bench): Promise<Section> {
  const { raw, buyer, quick, tell } = bench;
  const rounds = quick ? ROUNDS.quick : ROUNDS.full;
  await using seller = await startSeller(bench);
  const { maxMessageBytes } = buyer.lnd;
  const messages = Math.ceil(LARGE_BYTES / maxMessageBytes);
  const rates: Record<RawSender, number[]> = { lightning: [], ours: [] };
  const sales: Delivered[] = [];
  const books = { lightning: await CpuBook.open(bench, seller), ours: await CpuBook.open(bench, seller) };
  const ofSales = await CpuBook.open(bench, seller);
  for (let round = 1; round <= rounds; round++) {
    for (const sender of ['lightning', 'ours'] as const) {
      const rate = () => raw.messageRate(sender, buyer.lnd, maxMessageBytes, messages);
      rates[sender].push(await books[sender].during(rate));
    }
    sales.push(await ofSales.during(() => oneLargeSale(bench)));
    tell(`throughput: ${round} of ${rounds} answers of ${LARGE_BYTES / 1024 ** 2} MB`);
  }
  const speed = median(sales.map(({ megabytesPerSecond }) => megabytesPerSecond));
  const [byLibrary, byOurs] = [median(rates.lightning), median(rates.ours)];
  const megabytes = (rounds * LARGE_BYTES) / 1e6;
  return {
    title: `Throughput: ${rounds} answers of 32 MB, each after as many raw messages of ${maxMessageBytes} bytes`,
    figures: [
      {
        name: 'an answer, over raw messages',
        value: speed / byLibrary,
        unit: 'ratio',
        goal: { atLeast: GOAL },
      },
      { name: "an answer, over raw messages by the provider's own sender", value: speed / byOurs, unit: 'ratio' },
      { name: 'raw messages, one in flight (by the package lightning)', value: byLibrary, unit: 'MB/s' },
      { name: "raw messages, one in flight (by the provider's own sender)", value: byOurs, unit: 'MB/s' },
      { name: 'an answer', value: speed, unit: 'MB/s' },
      {
        name: `messages of an answer (the fewest are ${messages})`,
        value: median(sales.map((sale) => sale.messages)),
        unit: 'messages',
      },
      ...books.lightning.figures('a raw megabyte', megabytes),
      ...books.ours.figures('a raw megabyte by the own sender', megabytes),
      ...ofSales.figures('a megabyte of an answer', megabytes),
    ],
  };
}

/** From the first chunk's arrival to the last one's: what the first one took is latency. */
async function oneLargeSale({ buyer }: Bench): Promise<Delivered> {
  let [messages, bytes, firstMs, lastMs] = [0, 0, 0, 0];
  const stop = buyer.lnd.listen({
    message: (_peer, type, payload) => {
      const message = decodeMessage(type, payload);
      if (message.kind !== 'stream-chunk') return;
      lastMs = nowMs();
      if (messages === 0) firstMs = lastMs;
      else bytes += message.data.length;
      messages++;
    },
  });
  const whole = await buyer.buy('large');
  stop();
  if (whole < LARGE_BYTES) throw new Error(`an answer of ${whole} bytes, too few`);
  return { megabytesPerSecond: bytes / 1000 / (lastMs - firstMs), messages };
}
