import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { LOCAL_OLLAMA, ollamaUrl } from '../../config/url.ts';
import type { Sale as EndpointSale } from '../../buyer/gateway.ts';
import { openEmbeddedNode } from '../../lightning/embedded/embedded-node.ts';
import type { EmbeddedNode } from '../../lightning/embedded/embedded-node.ts';
import { msat } from '../../money/msat.ts';
import type { Msat } from '../../money/msat.ts';
import type { Version } from '../../protocol/messages.ts';
import { startBuyer } from '../buyer-node.ts';
import type { BuyerNode } from '../buyer-node.ts';
import { createLog } from '../log.ts';
import { sellerDirectory, settlementOf } from './settlement.ts';
import type { Settlement } from './settlement.ts';
import { chooseModel } from './choose-model.ts';
import { startSeller } from './seller-process.ts';
import type { SellerProcess } from './seller-process.ts';
import { Story } from './story.ts';

export interface DemoOptions {
  readonly once: boolean;
  readonly model?: string;
  readonly prompt: string;
  readonly protocol: Version;
  readonly host: string;
  readonly port: number;
}

const CHANNEL_SAT = 1_000_000n;
/** The endpoint stays open for long, and Ollama unloads what is not used. */
const PATIENCE_MS = 300_000;
const MAX_PRICE_MSAT = msat(1_000_000n);
/** Prices of the demo, msat per million tokens. */
const PRICE = { input_msat_per_mtok: 1_000_000, output_msat_per_mtok: 20_000_000 };

/** Two embedded nodes in two processes, a channel, and one answer sold for a real Lightning payment of play money; then an endpoint that buys. */
export async function runDemo(options: DemoOptions): Promise<void> {
  const story = new Story(process.stdout);
  const directory = await mkdtemp(join(tmpdir(), 'lcp-demo-'));
  const parts: { seller?: SellerProcess; node?: EmbeddedNode; buyer?: BuyerNode } = {};
  const cleanUp = async (): Promise<void> => {
    await parts.buyer?.close();
    await parts.node?.close();
    await parts.seller?.stop();
    await rm(directory, { recursive: true, force: true });
  };
  // However it ends, nothing is left behind: a signal at any moment, or a reader that closes the pipe.
  const ended = Promise.withResolvers<void>();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, ended.resolve);
  process.stdout.on('error', () => ended.resolve());
  const tell = async (): Promise<void> => {
    story.title('A sale over Lightning, with play money, between two processes on this machine');
    const choice = await chooseModel(options.model, ollamaUrl(process.env['OLLAMA_HOST'] ?? '') ?? LOCAL_OLLAMA);
    if (choice.load !== undefined) {
      story.note(`Ollama loads ${choice.model}; a model that is not in memory is not sold …`);
      await choice.load();
      story.step('model loaded', choice.model);
    }
    const seller = (parts.seller = await startSeller(directory, sellerConfig(directory, choice.backend, choice.model)));
    story.step(
      'seller started',
      `node ${short(seller.node_id)}, process ${seller.pid}, selling ${choice.model} (${choice.describe})`,
    );
    const log = createLog({ level: 'silent', pretty: false });
    const node = (parts.node = await openEmbeddedNode({ directory: join(directory, 'buyer') }));
    const buyer = (parts.buyer = await startBuyer({ node, log, patienceMs: PATIENCE_MS }));
    story.step('buyer started', `node ${short(node.nodeId)}, process ${process.pid}`);
    const hasManifest = buyer.whenProvider(seller.node_id, options.protocol);
    await node.connectPeer(seller.node_id, seller.address);
    await node.openChannel(seller.node_id, CHANNEL_SAT, msat(0n));
    story.step('channel open', `${CHANNEL_SAT.toLocaleString('en')} sat of play money on the buyer's side`);
    await hasManifest;
    story.step('manifests exchanged', `LCP v0.${options.protocol}`);
    await sellOne(story, { directory, node, buyer, seller: seller.node_id, model: choice.model, options });
    if (options.once) return;
    await keepOpen(story, { directory, buyer, seller, model: choice.model, options });
    await ended.promise;
  };
  try {
    await Promise.race([tell(), ended.promise]);
  } finally {
    await cleanUp();
  }
  process.exit(0); // what was interrupted must not hold the process
}

interface Sale {
  readonly directory: string;
  readonly node: EmbeddedNode;
  readonly buyer: BuyerNode;
  readonly seller: string;
  readonly model: string;
  readonly options: DemoOptions;
}

async function sellOne(story: Story, { directory, node, buyer, seller, model, options }: Sale): Promise<void> {
  const input = new TextEncoder().encode(
    JSON.stringify({ model, messages: [{ role: 'user', content: options.prompt }], max_tokens: 200, stream: true }),
  );
  const before = balance(node);
  story.step('request sent', `${input.length} bytes: "${options.prompt}"`);
  const bought = await buyer.requester.buy(
    {
      peer: seller,
      version: options.protocol,
      taskKind: 'openai.chat_completions.v1',
      model,
      input,
      maxPriceMsat: MAX_PRICE_MSAT,
    },
    new AbortController().signal,
    {
      quoted: (price) => story.step('quote checked', `${amount(price)}: terms, payee, amount and expiry are right`),
      paid: () => story.step('invoice paid', 'over the channel, settled'),
    },
  );
  const chunks: Buffer[] = [];
  for await (const chunk of bought.body as AsyncIterable<Buffer>) {
    if (chunks.length === 0) story.step('first byte', bought.contentType);
    chunks.push(chunk);
  }
  await bought.done;
  const bytes = Buffer.concat(chunks);
  const paid = msat(before - balance(node));
  story.step(
    'answer complete',
    `${bytes.length} bytes, sha256 ${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}…, checked`,
  );
  story.step('money moved', `${amount(paid)} from buyer to seller`);
  const settled = await settlementOf(directory, bought.jobId);
  if (settled !== undefined) story.step('settled', settledText(settled));
  story.answer(textOf(bytes.toString('utf8')));
  story.result({
    ok: true,
    protocol: `0.${options.protocol}`,
    model,
    price_msat: Number(bought.priceMsat),
    paid_msat: Number(paid),
    ...(settled && { charge_msat: Number(settled.chargeMsat), credit_msat: Number(settled.creditGivenMsat) }),
    bytes: bytes.length,
  });
}

async function keepOpen(
  story: Story,
  { directory, buyer, seller, model, options }: Omit<Sale, 'node' | 'seller'> & { seller: SellerProcess },
): Promise<void> {
  const onSale = async ({ jobId, priceMsat, done }: EndpointSale): Promise<void> => {
    await done.catch(() => undefined); // what it was paid is told however it ends
    const settled = await settlementOf(directory, jobId).catch(() => undefined);
    story.step('sold another', soldText(priceMsat, settled));
  };
  const settings = {
    provider: seller.node_id,
    version: options.protocol,
    maxPriceMsat: MAX_PRICE_MSAT,
    onSale: (sale: EndpointSale) => void onSale(sale),
  };
  const base = await buyer
    .openGateway({ ...settings, host: options.host, port: options.port })
    .catch(() => buyer.openGateway({ ...settings, host: options.host, port: 0 }));
  const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello!' }], stream: true });
  story.note(
    `\nThe endpoint stays open. Each request buys one answer over Lightning:\n\n  curl -N ${base}/chat/completions -H 'content-type: application/json' -d '${body}'\n\nThe same URL, ${base}, takes chat completions, responses and embeddings, as far as the model can do them.\n\nA quote is for the most that an answer may take; what is not used is credit, and the next quote is lower by it. The seller's books, while it runs:\n\n  lcp-provider jobs --config ${join(directory, 'config.yaml')}\n\n(from a clone: npm run -s lcp-provider -- jobs …). Ctrl-C ends.`,
  );
}

const sellerConfig = (directory: string, backend: object, model: string) => ({
  enabled: true,
  data_directory: sellerDirectory(directory),
  lightning: { driver: 'embedded', embedded: { listen: '127.0.0.1:0' } },
  health: { listen: '127.0.0.1:0' },
  backends: [backend],
  llm: { models: { [model]: { max_output_tokens: 1000, price: PRICE } } },
  log: { level: 'warn', pretty: false },
});

const settledText = ({ creditUsedMsat, chargeMsat, creditGivenMsat }: Settlement): string =>
  `used ${amount(chargeMsat)}, the rest is the buyer's credit: ${amount(creditGivenMsat)}` +
  (creditUsedMsat > 0n ? ` (credit used: ${amount(creditUsedMsat)})` : '');
const soldText = (priceMsat: Msat, settled: Settlement | undefined): string => {
  const paid = `paid ${priceMsat.toLocaleString('en')} msat`;
  if (settled === undefined || settled.chargeMsat + settled.creditGivenMsat === 0n) return paid; // not settled yet
  const rest = settled.creditGivenMsat > 0n ? ', the rest is credit' : '';
  return `${paid}, used ${settled.chargeMsat.toLocaleString('en')}${rest}`;
};
const balance = (node: EmbeddedNode): bigint =>
  node.channels().reduce((sum, channel) => sum + channel.outboundMsat, 0n);
const short = (nodeId: string): string => `${nodeId.slice(0, 10)}…`;
const amount = (value: Msat): string => `${value.toLocaleString('en')} msat (${(Number(value) / 1000).toFixed(3)} sat)`;

/** The text inside a chat completion stream, for showing. */
function textOf(sse: string): string {
  const lines = sse.split('\n').filter((line) => line.startsWith('data: {'));
  return lines
    .map(
      (line) =>
        (JSON.parse(line.slice(6)) as { choices?: { delta?: { content?: string } }[] }).choices?.[0]?.delta?.content ??
        '',
    )
    .join('');
}
