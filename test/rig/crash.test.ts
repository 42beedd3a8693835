import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { EXIT } from '../../src/cli/exit-code.ts';
import { REVENUE, buyerAccount } from '../../src/job/entry.ts';
import type { Job } from '../../src/job/job.ts';
import type { Version } from '../../src/protocol/messages.ts';
import { takeApart } from './buyer-lnd.ts';
import { sha256 } from './recording-proxy.ts';
import { streamedChat } from './rig-buyer.ts';
import { SellerProcess, chargeOf } from './seller-process.ts';
import { sharedRig } from './shared-rig.ts';
import { startStandIn } from './stand-in-backend.ts';
import type { StandIn } from './stand-in-backend.ts';
import { Gate, fast, gated, promptTokens } from './stand-in-scripts.ts';
import { poll } from './poll.ts';
import { WireBuyer } from './wire-buyer.ts';

const rig = sharedRig();
let standIn: StandIn;
let seller: SellerProcess;
let wire: WireBuyer;

beforeAll(async () => {
  standIn = await startStandIn({ standin: fast(5) });
  const backend = { driver: 'openai', url: standIn.url } as const;
  seller = await SellerProcess.start({ lnd: rig.seller, backend, models: ['standin'] });
  wire = await WireBuyer.start(rig);
  await wire.introduce(seller);
});
afterEach(async () => {
  await rig.connect();
  standIn.calls.length = 0;
});
afterAll(async () => {
  await wire[Symbol.asyncDispose]();
  await seller[Symbol.asyncDispose]();
  await standIn[Symbol.asyncDispose]();
});

const order = (version: Version) => wire.order(streamedChat('standin'), version);
const isFunded = ({ funding }: Job) => funding === 'funded';

describe('a provider that is killed (SIGKILL) and started again', { timeout: 60_000 }, () => {
  it('serves a job whose invoice was out, when it is paid after the restart', async () => {
    const wanted = order(2);
    const quote = await wire.quote(wanted);
    await seller.restart();
    await wire.pay(quote);
    const { result, bytes } = await wire.outcome(wanted);
    expect(result.status).toBe('ok');
    expect(standIn.calls).toHaveLength(1);
    expect(sha256(bytes)).toBe(standIn.calls[0]?.sha256);
    await seller.books.expectSound();
  });

  it('serves a job that was paid while it was down', async () => {
    const wanted = order(3);
    const quote = await wire.quote(wanted);
    await seller.kill();
    await wire.pay(quote);
    await seller.start();
    const { result, bytes } = await wire.outcome(wanted);
    expect(result).toMatchObject({ status: 'ok', stream: { sha256: standIn.calls[0]?.sha256 } });
    expect(sha256(bytes)).toBe(standIn.calls[0]?.sha256);
    expect(standIn.calls).toHaveLength(1);
    await seller.books.expectSound();
  });

  it('makes one new attempt for a job that was paid and had no output yet', async () => {
    const never = new Gate();
    standIn.scripts.set('standin', gated(never, 0, 0));
    const wanted = order(3);
    await wire.quoteAndPay(wanted);
    await poll('first attempt', 10_000, async () => standIn.calls.length === 1);
    await seller.kill();
    standIn.scripts.set('standin', fast(7));
    await seller.start();
    const { result, bytes } = await wire.outcome(wanted);
    expect(result.status).toBe('ok');
    expect(standIn.calls).toHaveLength(2);
    expect(sha256(bytes)).toBe(standIn.calls[1]?.sha256);
    const job = await seller.books.untilJob('closed job', wanted.jobId, ({ funding }) => funding === 'closed');
    expect(job).toMatchObject({ attempts: 2, chargeMsat: chargeOf(promptTokens, 7) });
    await seller.books.expectSound();
  });

  it('delivers an answer whole that was complete on disk while its buyer was away', async () => {
    const gate = new Gate();
    standIn.scripts.set('standin', gated(gate, 3, 40));
    const wanted = order(2);
    await wire.quoteAndPay(wanted);
    await wire.hear(wanted, 'stream-chunk');
    await takeApart(rig);
    gate.open();
    await seller.books.untilJob(
      'complete answer',
      wanted.jobId,
      ({ run, delivery }) => run === 'ended' && delivery === 'paused',
    );
    await seller.restart();
    await rig.connect();
    const { result, bytes, repeated } = await wire.outcome(wanted);
    expect(result.status).toBe('ok');
    expect(sha256(bytes)).toBe(standIn.calls[0]?.sha256);
    expect(repeated).toBeGreaterThan(0);
    expect(standIn.calls).toHaveLength(1);
    await seller.books.expectSound();
  });

  it('credits the whole cover of an answer that it broke off, and never runs it again', async () => {
    const gate = new Gate();
    standIn.scripts.set('standin', gated(gate, 3, 40));
    const [creditBefore, revenueBefore] = [buyerAccount(rig.buyer.nodeId), REVENUE].map((name) =>
      seller.books.balance(name),
    );
    const wanted = order(3);
    const quote = await wire.quoteAndPay(wanted);
    await wire.hear(wanted, 'stream-chunk');
    expect(seller.books.job(wanted.jobId)).toSatisfy(isFunded);
    await seller.restart();
    const { result } = await wire.outcome(wanted);
    expect(result.status).toBe('failed');
    const job = await seller.books.untilJob('refunded job', wanted.jobId, ({ funding }) => funding === 'refunded');
    expect(job).toMatchObject({ run: 'failed', chargeMsat: 0n });
    expect(seller.books.balance(buyerAccount(rig.buyer.nodeId))).toBe(creditBefore! + quote.priceMsat);
    expect(seller.books.balance(REVENUE)).toBe(revenueBefore);
    // A repeat gets what there is, not a second run.
    await seller.books.untilJob('delivered job', wanted.jobId, ({ delivery }) => delivery === 'delivered');
    await wire.request(wanted);
    await wire.hear(wanted, 'result', { count: 2 });
    expect(standIn.calls).toHaveLength(1);
    await seller.books.expectSound();
    seller.expectNoSecretLogged(['Hello there']);
  });

  it('refuses to serve beside a copy of itself on the same data', async () => {
    expect(await seller.startSecondCopy()).toBe(EXIT.ledger);
  });
});
