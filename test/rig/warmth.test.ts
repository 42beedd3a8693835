import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buyerAccount } from '../../src/job/entry.ts';
import { decodeModelParams } from '../../src/protocol/params.ts';
import { loadModel } from './ollama.ts';
import { RigBuyer, chat } from './rig-buyer.ts';
import { SellerProcess } from './seller-process.ts';
import { sharedRig } from './shared-rig.ts';
import { poll } from './poll.ts';

const rig = sharedRig();
const PATIENCE_MS = 60_000;
let seller: SellerProcess;
let buyer: RigBuyer;

const ollama = async (method: string, path: string, body?: object): Promise<unknown> => {
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  const response = await fetch(`${rig.ollama.url}${path}`, { method, ...sent });
  expect(response.status).toBe(200);
  return response.headers.get('content-type')?.startsWith('application/json') === true ? response.json() : undefined;
};

const loadedModels = async (): Promise<string[]> => {
  const { models } = (await ollama('GET', '/api/ps')) as { models: { name: string }[] };
  return models.map(({ name }) => name.replace(':latest', ''));
};

const listedModels = (): string[] =>
  (buyer.node.session.manifestOf(rig.seller.nodeId, 2)?.tasks ?? []).flatMap(({ paramsTemplate }) => {
    const params = decodeModelParams(paramsTemplate ?? new Uint8Array());
    return 'model' in params ? [params.model] : [];
  });

/** How a purchase was refused; nothing was quoted for it. */
async function refusal(body: string): Promise<{ providerError: string; message: string }> {
  const quoted: bigint[] = [];
  const bought = buyer.buy({ body, steps: { quoted: (priceMsat) => void quoted.push(priceMsat) } });
  const error = await bought.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ code: 'refused', isPaid: false });
  expect(quoted).toEqual([]);
  return error as { providerError: string; message: string };
}

beforeAll(async () => {
  await loadModel(rig.ollama.url, 'tiny-long', false);
  await poll('tiny-long unloaded', 10_000, async () => !(await loadedModels()).includes('tiny-long'));
  await ollama('POST', '/api/copy', { source: 'tiny', destination: 'doomed' });
  seller = await SellerProcess.start({
    lnd: rig.seller,
    backend: { driver: 'ollama', url: rig.ollama.url },
    models: ['tiny', 'tiny-long', 'doomed'],
  });
  buyer = await RigBuyer.start(rig, PATIENCE_MS);
  await buyer.untilProviderKnown();
});

afterAll(async () => {
  await buyer[Symbol.asyncDispose]();
  await seller[Symbol.asyncDispose]();
  await loadModel(rig.ollama.url, 'tiny-long');
});

describe('what a real Ollama could not deliver is not sold', () => {
  it('a prompt that its context has no room for', async () => {
    const prompt = (words: number) => ({ messages: [{ role: 'user', content: 'word '.repeat(words) }] });
    const tooLong = await refusal(chat('tiny', prompt(10_000)));
    expect(tooLong.message).toContain('does not fit into the 8192 tokens');
    const tooMuch = await refusal(chat('tiny', { ...prompt(2_000), max_tokens: 8_000 }));
    const most = Number(/ask for at most (\d+) of output, not 8000/.exec(tooMuch.message)?.[1]);
    expect(most).toBeGreaterThan(4_000);
    const bought = await buyer.buy({ body: chat('tiny', { ...prompt(6_450), max_tokens: undefined }) });
    const { usage } = JSON.parse(bought.bytes.toString()) as { usage: Record<string, number> };
    expect(usage['prompt_tokens']).toBeGreaterThan(6_450);
    expect(usage['total_tokens']).toBeLessThanOrEqual(8192);
  });

  it('a model that is not in memory: its buyer is asked to come back, and is served then', async () => {
    expect(await loadedModels()).not.toContain('tiny-long');
    const waits: string[] = [];
    const bought = await buyer.buy({ body: chat('tiny-long'), steps: { waits: (_ms, why) => void waits.push(why) } });
    expect(waits.length).toBeGreaterThan(0);
    for (const why of waits) expect(why).toMatch(/this model (is being|has to be) loaded.*try again in about \d+ s$/);
    expect(await loadedModels()).toContain('tiny-long');
    expect(JSON.parse(bought.bytes.toString())).toMatchObject({ usage: { completion_tokens: 40 } });
  });

  it('a model that is deleted: what was paid for it is credit, and it leaves the manifest', async () => {
    await poll('doomed in the manifest', 10_000, async () => listedModels().includes('doomed'));
    let isDeleted: Promise<unknown> | undefined;
    const quoted = () => void (isDeleted = ollama('DELETE', '/api/delete', { model: 'doomed' }));
    const error = await buyer.buy({ body: chat('doomed'), steps: { quoted } }).catch((reason: unknown) => reason);
    await isDeleted;
    expect(error).toMatchObject({ code: 'failed', isPaid: true });
    const job = seller.books.read().jobs.findLast(({ work }) => work.model === 'doomed');
    const refunded = await seller.books.untilJob('refunded', job!.jobId, ({ funding }) => funding === 'refunded');
    const { receivedMsat = 0n, reservedMsat = 0n } = refunded;
    const given = seller.books
      .read()
      .entries.filter(({ jobKey, to }) => jobKey === refunded.key && to === buyerAccount(rig.buyer.nodeId));
    expect(given.reduce((sum, { amountMsat }) => sum + amountMsat, 0n)).toBe(receivedMsat + reservedMsat);
    await poll('doomed out of the manifest', 10_000, async () => !listedModels().includes('doomed'));
    expect(listedModels()).toContain('tiny');
    expect((await refusal(chat('doomed'))).message).toContain('not for sale');
  });
});
