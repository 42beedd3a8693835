import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LIGHTNING, REVENUE, buyerAccount, reservedAccount } from '../../src/job/entry.ts';
import type { Job } from '../../src/job/job.ts';
import { usageIn } from '../../src/openai/usage.ts';
import type { AnswerUsage } from '../../src/openai/usage.ts';
import type { Recorded, RecordingProxy } from './recording-proxy.ts';
import { sha256, startRecordingProxy } from './recording-proxy.ts';
import { RigBuyer, chat, chatKind, embeddingsKind, responsesKind, streamedChat } from './rig-buyer.ts';
import type { Purchased } from './rig-buyer.ts';
import { SellerProcess, chargeOf } from './seller-process.ts';
import { sharedRig } from './shared-rig.ts';

const rig = sharedRig();
let proxy: RecordingProxy;
let seller: SellerProcess;
let buyer: RigBuyer;

beforeAll(async () => {
  proxy = await startRecordingProxy(rig.ollama.url);
  const backend = { driver: 'ollama', url: proxy.url } as const;
  seller = await SellerProcess.start({ lnd: rig.seller, backend, models: ['tiny', 'tiny-brief', 'tiny-embed'] });
  buyer = await RigBuyer.start(rig);
  await buyer.untilProviderKnown();
});

afterAll(async () => {
  await buyer[Symbol.asyncDispose]();
  await seller[Symbol.asyncDispose]();
  await proxy[Symbol.asyncDispose]();
});

const responses = (more: Record<string, unknown> = {}): string =>
  JSON.stringify({ model: 'tiny', input: 'Hello there', max_output_tokens: 30, ...more });

/** Each prompt is another one, so that the record of its answer is found. */
const prompting = (prompt: string) => ({ messages: [{ role: 'user', content: prompt }] });

function recordOf(prompt: string): Recorded {
  const found = proxy.recorded.filter(({ asked }) => asked.includes(prompt));
  expect(found).toHaveLength(1);
  return found[0]!;
}

/** The figures that stand in an answer of any shape. */
function usageOf(answer: Buffer, hasOutput = true): AnswerUsage {
  const texts = answer.toString().startsWith('{')
    ? [answer.toString()]
    : [...answer.toString().matchAll(/^data: (\{.*\})$/gm)].map(([, data]) => data!);
  const found = texts.flatMap((text) => {
    const parsed = JSON.parse(text) as { usage?: unknown; response?: { usage?: unknown } };
    return usageIn(parsed.usage, hasOutput) ?? usageIn(parsed.response?.usage) ?? [];
  });
  expect(found.length).toBeGreaterThan(0);
  return found.at(-1)!;
}

/** The job ended in the books as its usage figures say: charge to revenue, the rest to the buyer. */
async function expectFairCharge({ jobId, priceMsat }: Purchased, usage: AnswerUsage): Promise<Job> {
  const job = await seller.books.untilJob('closed job', jobId, ({ funding }) => funding === 'closed');
  const charge = chargeOf(usage.inputTokens, usage.outputTokens);
  const [reserved, account] = [reservedAccount(job.key), buyerAccount(rig.buyer.nodeId)];
  const creditMsat = job.reservedMsat ?? 0n;
  expect(seller.books.read().entries.filter(({ jobKey }) => jobKey === job.key)).toEqual([
    ...(creditMsat > 0n ? [expect.objectContaining({ from: account, to: reserved, amountMsat: creditMsat })] : []),
    expect.objectContaining({ from: LIGHTNING, to: reserved, amountMsat: priceMsat }),
    expect.objectContaining({ from: reserved, to: REVENUE, amountMsat: charge }),
    expect.objectContaining({ from: reserved, to: account, amountMsat: priceMsat + creditMsat - charge }),
  ]);
  return job;
}

const cases = ([2, 3] as const).flatMap((version) =>
  [chatKind, responsesKind].flatMap((taskKind) => [true, false].map((stream) => ({ version, taskKind, stream }))),
);

describe('a sale of a real model over real lnd', () => {
  it.each(cases)(
    'v0.$version, $taskKind, streamed: $stream: every byte as the backend sent it, charged by its usage',
    async ({ version, taskKind, stream }) => {
      const prompt = `case ${version} ${taskKind} ${stream}`;
      const ofChat = stream ? streamedChat('tiny', prompting(prompt)) : chat('tiny', prompting(prompt));
      const body = taskKind === chatKind ? ofChat : responses({ input: prompt, stream });
      const bought = await buyer.buy({ body, version, taskKind });
      const { answered } = recordOf(prompt);
      expect(bought.sha256).toBe(sha256(answered));
      expect(bought.contentType).toBe(stream ? 'text/event-stream; charset=utf-8' : 'application/json; charset=utf-8');
      await expectFairCharge(bought, usageOf(answered));
    },
  );

  it.each([2, 3] as const)(
    'v0.%i, embeddings: every byte as the backend sent it, charged by its usage',
    async (version) => {
      const input = [`embeddings by v0.${version}`, 'another text'];
      const body = JSON.stringify({ model: 'tiny-embed', input, encoding_format: 'base64' });
      const bought = await buyer.buy({ body, version, taskKind: embeddingsKind });
      const { answered } = recordOf(`embeddings by v0.${version}`);
      expect(bought.sha256).toBe(sha256(answered));
      expect((JSON.parse(answered.toString()) as { data: unknown[] }).data).toHaveLength(2);
      await expectFairCharge(bought, usageOf(answered, false));
    },
  );

  it('refuses a chat with a model that only embeds, and embeddings of one that does not', async () => {
    const toEmbedder = buyer.buy({ body: chat('tiny-embed') });
    await expect(toEmbedder).rejects.toMatchObject({ providerError: 'unsupported-task', isPaid: false });
    const body = JSON.stringify({ model: 'tiny', input: 'a' });
    const toChat = buyer.buy({ body, taskKind: embeddingsKind });
    await expect(toChat).rejects.toMatchObject({ providerError: 'unsupported-task', isPaid: false });
  });

  it('takes out the usage chunk that the buyer did not ask for, and nothing else', async () => {
    const prompt = 'no usage, please';
    const bought = await buyer.buy({ body: chat('tiny', { ...prompting(prompt), stream: true }) });
    const { answered } = recordOf(prompt);
    const events = answered.toString().split(/(?<=\n\n)/);
    const isUsage = (event: string) => event.includes('"usage":{') && event.includes('"choices":[]');
    expect(events.filter(isUsage)).toHaveLength(1);
    expect(bought.bytes.toString()).toBe(events.filter((event) => !isUsage(event)).join(''));
    await expectFairCharge(bought, usageOf(answered));
  });

  it('credits the rest when the model ends by itself', async () => {
    const prompt = 'be brief';
    const bought = await buyer.buy({ body: chat('tiny-brief', { ...prompting(prompt), max_tokens: 4000 }) });
    const usage = usageOf(recordOf(prompt).answered);
    expect(usage.outputTokens).toBeLessThan(1000);
    await expectFairCharge(bought, usage);
  });

  it('binds the invoice to the terms, as another program reads it', async () => {
    const { jobId, priceMsat } = await buyer.buy({ body: chat('tiny', prompting('terms')), version: 3 });
    const { terms, paymentRequest } = seller.books.job(jobId)!;
    const invoice = (await rig.buyer.lncli('decodepayreq', paymentRequest!)) as Record<string, string>;
    expect(invoice).toMatchObject({ description_hash: terms.termsHash, destination: rig.seller.nodeId });
    expect(invoice['num_msat']).toBe(String(priceMsat));
    expect(Number(invoice['timestamp']) + Number(invoice['expiry'])).toBeLessThanOrEqual(terms.quoteExpiryS + 5);
  });

  it('sells to one peer in both versions at the same time', async () => {
    const wanted = ([2, 3] as const).flatMap((version) =>
      [1, 2, 3].map((number) => ({ version, prompt: `both ${version}/${number}` })),
    );
    const bought = await Promise.all(
      wanted.map(({ version, prompt }) => buyer.buy({ version, body: streamedChat('tiny', prompting(prompt)) })),
    );
    for (const [index, { prompt }] of wanted.entries()) {
      expect(bought[index]?.sha256).toBe(sha256(recordOf(prompt).answered));
    }
  });

  it('leaves sound books, and a log without secrets', async () => {
    const { jobs } = seller.books.read();
    await Promise.all(
      jobs.map(({ jobId }) =>
        seller.books.untilJob('delivered job', jobId, ({ delivery }) => delivery === 'delivered'),
      ),
    );
    await seller.books.expectSound();
    const charges = seller.books.read().jobs.reduce((sum, { chargeMsat = 0n }) => sum + chargeMsat, 0n);
    expect(seller.books.balance(REVENUE)).toBe(charges);
    expect(seller.books.read().pending).toBe(0);
    seller.expectNoSecretLogged(['case 2', 'be brief', 'Hello there', 'chatcmpl-']);
  });
});
