import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { LIGHTNING, REVENUE, buyerAccount } from '../../src/job/entry.ts';
import { jobKey } from '../../src/job/job.ts';
import type { Job } from '../../src/job/job.ts';
import type { Version } from '../../src/protocol/messages.ts';
import { FakeNetwork } from './fake-network.ts';
import { ManualClock, turn } from './manual-clock.ts';
import { DONE, ScriptedBackend, answers, completion, delta, usageChunk } from './scripted-backend.ts';
import { Seller } from './seller.ts';
import type { SellerOptions } from './seller.ts';
import { until } from './until.ts';
import { WireBuyer } from './wire-buyer.ts';

export const bothVersions: readonly Version[] = [2, 3];
export const JSON_ANSWER = completion('forty-two');
/** What a stream is without the usage chunk that only we asked for. */
export const SSE_PIECES = [delta('forty'), delta('-'), delta('two')];
export const SSE_ANSWER = [...SSE_PIECES, DONE].join('');
export const sseAnswer = answers(...SSE_PIECES, usageChunk(20, 5), DONE);

/** A seller and a buyer that know each other, and the hands that a test needs. */
export class Market {
  readonly clock = new ManualClock();
  readonly network = new FakeNetwork(this.clock);
  readonly backend = new ScriptedBackend().will(answers(JSON_ANSWER));
  seller!: Seller;
  buyer!: WireBuyer;
  readonly #directory: string;
  #options: Partial<SellerOptions> = {};

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** Goes away with the test, or when `atEnd` says. */
  static async open(
    version: Version = 2,
    options: Partial<SellerOptions> = {},
    atEnd: (clean: () => Promise<void>) => void = onTestFinished,
  ): Promise<Market> {
    const directory = await mkdtemp(join(tmpdir(), 'lcp-market-'));
    const market = new Market(directory);
    atEnd(async () => {
      if (!market.seller.isDead) await market.seller.close();
      await rm(directory, { recursive: true, force: true });
    });
    await market.openSeller(options);
    market.buyer = await WireBuyer.open(market.network, market.clock, version);
    market.connect();
    await market.meet();
    return market;
  }

  async openSeller(options: Partial<SellerOptions> = this.#options): Promise<void> {
    this.#options = options;
    const { network, clock, backend } = this;
    this.seller = await Seller.open({ network, clock, backend, directory: this.#directory, ...options });
  }

  /** Another buyer, introduced to the seller. */
  async anotherBuyer(name: string): Promise<WireBuyer> {
    const buyer = await WireBuyer.open(this.network, this.clock, this.buyer.version, name);
    this.network.connect(this.seller.node.nodeId, buyer.node.nodeId);
    await buyer.manifest();
    await until('the manifest is there', () => this.seller.session.manifestOf(buyer.node.nodeId, buyer.version));
    return buyer;
  }

  /** Another buyer, without a channel to the seller and without a payment before. */
  stranger(name: string): Promise<WireBuyer> {
    this.seller.node.channelless.add(this.network.account(name).nodeId);
    return this.anotherBuyer(name);
  }

  connect(): void {
    this.network.connect(this.seller.node.nodeId, this.buyer.node.nodeId);
  }

  disconnect(): void {
    this.network.disconnect(this.seller.node.nodeId, this.buyer.node.nodeId);
  }

  async meet(): Promise<void> {
    await this.buyer.manifest();
    await until(
      'manifests are exchanged',
      () => this.seller.session.manifestOf(this.buyer.node.nodeId, this.buyer.version) && this.buyer.heard.length > 0,
    );
  }

  /** `kill -9` and a new start on the same files; the node, like lnd, has been there all the time. */
  async restart(options?: Partial<SellerOptions>): Promise<void> {
    await this.seller.bury();
    await this.openSeller(options);
  }

  keyOf(jobId: string): string {
    return jobKey(this.buyer.node.nodeId, this.buyer.version, jobId);
  }

  async job(jobId: string): Promise<Job | undefined> {
    return this.seller.ledger.job(this.keyOf(jobId));
  }

  /** The saved job once it is in these states (`funding run delivery`; `*` is any), however long files take. */
  reaches(jobId: string, states: string): Promise<Job> {
    return this.#until(states, () => this.job(jobId));
  }

  /** The same, of the job in memory: some changes are not saved by themselves. */
  reachesInMemory(jobId: string, states: string): Promise<Job> {
    const jobs = () => this.seller.engine.liveJobs();
    return this.#until(states, async () => jobs().find((job) => job.jobId === jobId));
  }

  async #until(states: string, look: () => Promise<Job | undefined>): Promise<Job> {
    let last = 'nothing';
    try {
      return await until(states, async () => {
        const job = await look();
        if (job === undefined) return undefined;
        last = `${job.funding} ${job.run} ${job.delivery}`;
        return isIn(job, states) ? job : undefined;
      });
    } catch {
      throw new Error(`the job is ${last}, not ${states}`);
    }
  }

  /** Moves time on in small steps, with time for files between them, until the job is in these states. */
  async advanceUntil(jobId: string, states: string): Promise<Job> {
    const giveUpAt = performance.now() + 4_000;
    while (performance.now() < giveUpAt) {
      await this.clock.advance(100);
      await this.breathe();
      const job = await this.job(jobId);
      if (job !== undefined && isIn(job, states)) return job;
    }
    return this.reaches(jobId, states);
  }

  /** Lets files and threads finish what they are at: some round trips to the ledger. */
  async breathe(): Promise<void> {
    for (let round = 0; round < 5; round++) {
      await this.seller.ledger.cursor();
      await turn();
    }
  }

  /** Where the money is: received, earned, on the buyer's account. Throws when the books are wrong. */
  async money(): Promise<{ received: bigint; revenue: bigint; credit: bigint; reserved: bigint }> {
    const { ledger } = this.seller;
    const balances = await ledger.balances();
    const sum = balances.reduce((total, { balanceMsat }) => total + balanceMsat, 0n);
    if (sum !== 0n) throw new Error(`the books do not balance: ${sum}`);
    const of = (account: string): bigint => balances.find((balance) => balance.account === account)?.balanceMsat ?? 0n;
    const reserved = balances
      .filter(({ account }) => account.startsWith('reserved:'))
      .reduce((total, { balanceMsat }) => total + balanceMsat, 0n);
    return {
      received: -of(LIGHTNING),
      revenue: of(REVENUE),
      credit: of(buyerAccount(this.buyer.node.nodeId)),
      reserved,
    };
  }
}

const isIn = ({ funding, run, delivery }: Job, states: string): boolean => {
  const now = [funding, run, delivery];
  return states.split(' ').every((state, index) => state === '*' || state === now[index]);
};
