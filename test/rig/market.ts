import { expect } from 'vitest';
import { buyersMsat } from './buyer-lnd.ts';
import { sha256 } from './recording-proxy.ts';
import { streamedChat } from './rig-buyer.ts';
import type { Rig } from './rig.ts';
import { SellerProcess } from './seller-process.ts';
import { startStandIn } from './stand-in-backend.ts';
import type { Script, StandIn } from './stand-in-backend.ts';
import { fast } from './stand-in-scripts.ts';
import { Stranger } from './stranger.ts';
import { poll } from './poll.ts';
import { WireBuyer } from './wire-buyer.ts';

export type MarketOptions = {
  /** Models beside `standin`, which answers at once. */
  scripts?: Readonly<Record<string, Script>>;
  /** More of the seller's configuration file. */
  config?: Record<string, unknown>;
  isProbed?: boolean;
};

/** A seller on a stand-in backend and those who come to it: `wire` has a channel to it, the stranger has none. */
export class Market implements AsyncDisposable {
  readonly rig: Rig;
  readonly standIn: StandIn;
  readonly seller: SellerProcess;
  readonly wire: WireBuyer;
  readonly stranger: WireBuyer;
  readonly #ownedMsat: bigint;
  readonly #parts: AsyncDisposableStack;

  private constructor(
    parts: Pick<Market, 'rig' | 'standIn' | 'seller' | 'wire' | 'stranger'>,
    ownedMsat: bigint,
    all: AsyncDisposableStack,
  ) {
    this.rig = parts.rig;
    this.standIn = parts.standIn;
    this.seller = parts.seller;
    this.wire = parts.wire;
    this.stranger = parts.stranger;
    this.#ownedMsat = ownedMsat;
    this.#parts = all;
  }

  static async open(rig: Rig, { scripts = {}, config = {}, isProbed = false }: MarketOptions = {}): Promise<Market> {
    await using parts = new AsyncDisposableStack();
    const standIn = parts.use(await startStandIn({ standin: fast(5), ...scripts }));
    const backend = { driver: 'openai', url: standIn.url } as const;
    const models = [...standIn.scripts.keys()];
    const seller = parts.use(await SellerProcess.start({ lnd: rig.seller, backend, models, config, isProbed }));
    const wire = parts.use(await WireBuyer.start(rig));
    const { wire: stranger } = parts.use(await Stranger.start(rig, wire));
    await wire.introduce(seller);
    await stranger.introduce(seller);
    return new Market({ rig, standIn, seller, wire, stranger }, await buyersMsat(rig), parts.move());
  }

  /**
   * The next good job works, both of the peer with a channel and of the other one; the books are sound, and have to the msat what the buyer's lnd has
   * spent since the market opened.
   */
  async expectGoodSales(): Promise<void> {
    for (const wire of [this.wire, this.stranger]) await this.expectGoodSale(wire);
    const { books } = this.seller;
    await books.expectSound();
    await poll('agreement of the books with the balance of the buyer', 5_000, async () => {
      return this.#ownedMsat - (await buyersMsat(this.rig)) === -books.balance('lightning');
    });
  }

  async expectGoodSale(wire: WireBuyer): Promise<void> {
    const calls = this.standIn.calls.length;
    const order = wire.order(streamedChat('standin'));
    await wire.quoteAndPay(order);
    const { result, bytes } = await wire.outcome(order);
    expect(result.status, 'the next good job').toBe('ok');
    const own = this.standIn.calls.slice(calls);
    expect(own).toHaveLength(1);
    expect(sha256(bytes)).toBe(own[0]?.sha256);
  }

  /** How many invoices the seller's lnd has ever made. */
  async invoicesMade(): Promise<number> {
    const newest = await this.rig.seller.lncli('listinvoices', '--max_invoices=1');
    return Number((newest as { last_index_offset: string }).last_index_offset);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts[Symbol.asyncDispose]();
  }
}
