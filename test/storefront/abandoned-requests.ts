import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeNetwork } from '../harness/fake-network.ts';
import { ManualClock, turn } from '../harness/manual-clock.ts';
import { ScriptedBackend } from '../harness/scripted-backend.ts';
import { Seller } from '../harness/seller.ts';
import { until } from '../harness/until.ts';
import { WireBuyer, chat, hex32 } from '../harness/wire-buyer.ts';

// A process of its own, run with --expose-gc: prints the bytes in use before and after ten thousand requests that nobody followed up.

const BATCH = 200;
const directory = await mkdtemp(join(tmpdir(), 'lcp-abandoned-'));
const clock = new ManualClock();
const network = new FakeNetwork(clock);
const seller = await Seller.open({
  network,
  clock,
  directory,
  backend: new ScriptedBackend(),
  promisedSpoolBytes: 1e12,
  limits: {
    requestsPerMinutePerPeer: 1_000_000,
    requestsPerMinute: 1_000_000,
    openInputsPerPeer: 500,
    openInputs: 500,
    openQuotesPerPeer: 500,
    openQuotes: 500,
  },
});
const buyer = await WireBuyer.open(network, clock, 2);
network.connect(seller.node.nodeId, buyer.node.nodeId);
await buyer.manifest();
await until('the manifest is there', () => seller.session.manifestOf(buyer.node.nodeId, 2));
const body = chat();

async function abandon(index: number): Promise<void> {
  const [jobId, streamId] = [hex32(), hex32()];
  const how = index % 10;
  await buyer.request(jobId, how === 0 ? { taskKind: 'unknown.kind' } : {});
  if (how === 1) await buyer.input(jobId, body);
  if (how < 5) return;
  await buyer.begin(jobId, body, { streamId });
  await buyer.chunk(jobId, streamId, 0, body.subarray(0, 100));
}

async function abandonAll(count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    await abandon(index);
    if ((index + 1) % BATCH > 0) continue;
    await until(
      'every whole input has its quote',
      () => buyer.heard.filter(({ kind }) => kind === 'quote').length === BATCH / 10,
    );
    await clock.advance(400_000); // inputs are given up, quotes expire
    await until('all is forgotten', () => seller.engine.liveJobs().length + seller.intake.size === 0);
    buyer.heard.length = 0;
    const { account } = seller.node;
    for (const { paymentHash } of account.invoices()) account.forget(paymentHash);
  }
  await clock.advance(900_000); // the replay window too
}

async function usedBytes(): Promise<number> {
  for (let round = 0; round < 5; round++) {
    await turn();
    globalThis.gc?.();
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

await abandonAll(2_000);
const before = await usedBytes();
await abandonAll(10_000);
const after = await usedBytes();
await seller.close();
await rm(directory, { recursive: true, force: true });
process.stdout.write(JSON.stringify({ before, after }));
