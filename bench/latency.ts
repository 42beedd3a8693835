import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { startSeller } from './bench.ts';
import type { Bench } from './bench.ts';
import { requestFor } from './buyer.ts';
import { firstOf, nowMs, takeMarks } from './marks.ts';
import type { Figure, Section } from './report.ts';
import { median, quantile } from './statistics.ts';
import { spansOf } from './spans.ts';
import type { Spans } from './spans.ts';
import type { RawPayment } from './raw.ts';
import type { Seller } from './seller.ts';

const SALES = { full: 40, quick: 12 };
const WARM_UPS = 3;
/** What the provider may add to lnd's own time for an invoice. */
const QUOTE_GOAL_MS = 5;
const FIRST_BYTE_GOAL_MS = 3;

/** One sale after another: where the time goes between a request and the first byte of its answer. */
export async function measureLatency(bench: Bench): Promise<Section> {
  const { backend, raw, buyer, quick, tell } = bench;
  const count = quick ? SALES.quick : SALES.full;
  await using seller = await startSeller(bench, { withMarks: true });
  const agent = new Agent({ keepAlive: true });
  const [direct, payments, sales]: [number[], RawPayment[], Spans[]] = [[], [], []];
  for (let index = -WARM_UPS; index < count; index++) {
    const directMs = await firstByteOf(agent, backend.url);
    const payment = await raw.payment(buyer.lnd);
    const sale = await oneSale(bench, seller);
    if (index < 0) continue;
    direct.push(directMs);
    payments.push(payment);
    sales.push(sale);
    if (index % 10 === 9) tell(`latency: ${index + 1} of ${count} sales`);
  }
  agent.destroy();
  return {
    title: `Latency: ${count} sales one after another, request of 1 KB, v0.3, SSE`,
    figures: figuresOf(direct, payments, sales),
  };
}

/** Time to the first byte of the answer of the stand-in, without us. */
async function firstByteOf(agent: Agent, url: string): Promise<number> {
  const begun = nowMs();
  const headers = { 'content-type': 'application/json' };
  const asked = request(`${url}/chat/completions`, { method: 'POST', agent, headers }).end(requestFor('brief'));
  const [response] = (await once(asked, 'response')) as [AsyncIterable<Buffer>];
  let firstMs: number | undefined;
  for await (const _ of response) firstMs ??= nowMs() - begun;
  return firstMs ?? nowMs() - begun;
}

async function oneSale({ backend, buyer }: Bench, seller: Seller): Promise<Spans> {
  await Promise.all([seller.marks(), backend.marks()]);
  takeMarks();
  const begunMs = nowMs();
  await buyer.buy('brief');
  const [provider, atBackend] = await Promise.all([seller.marks(), backend.marks()]);
  return spansOf({
    begunMs,
    atBuyer: takeMarks(),
    atProvider: provider,
    atBackend,
    answeredMs: firstOf(atBackend, 'answered'),
  });
}

function figuresOf(direct: readonly number[], payments: readonly RawPayment[], sales: readonly Spans[]): Figure[] {
  const figure = (name: string, values: readonly number[], goal?: Figure['goal']): Figure => ({
    name,
    value: median(values),
    unit: 'ms',
    p90: quantile(values, 0.9),
    ...(goal && { goal }),
  });
  const spans = (name: string, key: keyof Spans, goal?: Figure['goal']) =>
    figure(
      name,
      sales.map((sale) => sale[key]),
      goal,
    );
  const [invoices, pays] = [payments.map(({ invoiceMs }) => invoiceMs), payments.map(({ payMs }) => payMs)];
  const added = sales.map(({ total }, index) => total - (direct[index] ?? 0));
  const lightningMs = median(invoices) + median(pays);
  return [
    figure('first byte, straight from the backend', direct),
    figure('first byte, bought: what is added to that', added),
    {
      name: 'added, over a raw invoice and payment between the nodes',
      value: median(added) / lightningMs,
      unit: 'ratio',
    },
    figure('a raw invoice (AddInvoice)', invoices),
    figure('a raw payment', pays),
    spans('buyer: request handed over (four messages, in order)', 'handOver'),
    spans('buyer: last input byte handed over → quote received', 'quoteAtBuyer'),
    spans('provider: last input byte received → quote handed to lnd', 'quote'),
    spans('  less AddInvoice', 'quoteLessInvoice', { atMost: QUOTE_GOAL_MS }),
    spans('  received → asked for the invoice', 'accept'),
    spans('    of which saved as accepted', 'saveAccepted'),
    spans('  AddInvoice', 'invoice'),
    spans('  invoice → quote handed to lnd', 'offer'),
    spans('    of which saved with its invoice', 'saveOpen'),
    spans('buyer: quote received → payment begun (terms checked)', 'check'),
    spans('buyer: payment begun → paid', 'pay'),
    spans('provider: payment begun → settlement told by lnd', 'settle'),
    spans('provider: settled → first byte of the backend', 'run'),
    spans('  settled → the backend has the request', 'ask'),
    spans('    of which saved: paid', 'saveFunded'),
    spans('    of which saved: running', 'saveRunning'),
    spans('provider: backend gives first byte → handed to lnd', 'deliver', { atMost: FIRST_BYTE_GOAL_MS }),
    spans('  backend gives first byte → save begun', 'receive'),
    spans('  saved: output began', 'saveProducing'),
    spans('  stream_begin handed to lnd → taken by lnd', 'streamBegin'),
    spans('wire: first byte handed to lnd → at the buyer', 'wire'),
  ];
}
