import { LightningError } from '../../src/lightning/lightning.ts';
import type {
  CreatedInvoice,
  InvoiceState,
  InvoiceUpdate,
  LightningListener,
  LightningNode,
  NewInvoice,
  OurInvoice,
} from '../../src/lightning/lightning.ts';
import type { Life } from './life.ts';
import { Pipe } from './link.ts';
import type { AccountListener, SimAccount } from './sim-account.ts';

/** How the node behaves at present, to whatever process asks. */
export interface NodeMood {
  isAway: boolean;
  /** Of the calls: those that fail before anything is done, and those that are done but whose answer is lost. */
  failsBefore: number;
  failsAfter: number;
  refuses: number;
  /** News of invoices takes up to this long, and comes twice as often as this says. */
  newsWithinMs: number;
  repeatsNews: number;
}

export const calmMood = (): NodeMood => ({
  isAway: false,
  failsBefore: 0,
  failsAfter: 0,
  refuses: 0,
  newsWithinMs: 100,
  repeatsNews: 0,
});

const unavailable = (): LightningError => new LightningError('unavailable', 'the node does not answer');
const CALL_MS = 20;
const LOOK_AGAIN_MS = 500;

/** What the seller's process sees of the node: the port, with everything that a real driver may do to it. */
export class SimNode implements LightningNode, AccountListener {
  readonly maxMessageBytes = 65_533;
  readonly #life: Life;
  readonly #account: SimAccount;
  readonly #mood: NodeMood;
  readonly #watchSends: (peer: string, type: number, payload: Uint8Array) => void;
  readonly #listeners = new Set<LightningListener>();
  readonly #news: Pipe;
  readonly #watched = new Set<string>();
  readonly #online = new Set<string>();
  #cursor = 0n;
  #isUp = false;
  #isClosed = false;

  constructor(
    life: Life,
    account: SimAccount,
    mood: NodeMood,
    watchSends: (peer: string, type: number, payload: Uint8Array) => void,
  ) {
    this.#life = life;
    this.#account = account;
    this.#mood = mood;
    this.#watchSends = watchSends;
    this.#news = new Pipe(life.world);
  }

  get nodeId(): string {
    return this.#account.nodeId;
  }

  listen(listener: LightningListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async start(cursor: bigint): Promise<void> {
    this.#cursor = cursor;
    this.#account.listener = this;
    while (this.#mood.isAway) await new Promise<void>((resolve) => this.#life.clock.timer(LOOK_AGAIN_MS, resolve));
    await this.#life.call(() => this.#comeUp(true), { withinMs: CALL_MS });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#listeners.clear();
  }

  /** The node went away, or is back: the driver notices after a while. */
  noticeMood(): void {
    this.#life.world.soon(LOOK_AGAIN_MS, () => {
      if (this.#mood.isAway) this.#goDown();
      else this.#comeUp(this.#life.world.random.chance(0.7));
    });
  }

  async sendMessage(peer: string, type: number, payload: Uint8Array): Promise<void> {
    const bytes = payload.slice();
    const send = (): void => {
      this.#watchSends(peer, type, bytes);
      this.#account.links.get(peer)?.toBuyer(type, bytes);
    };
    while (this.#linkOf(peer).isFull)
      await new Promise<void>((resolve) => this.#life.clock.timer(LOOK_AGAIN_MS, resolve));
    await this.#call(() => {
      this.#linkOf(peer);
      send();
    });
  }

  async peers(): Promise<string[]> {
    return [...this.#account.links.values()].flatMap(({ isUp, peer }) => (isUp ? [peer] : []));
  }

  connectPeer(): Promise<void> {
    return Promise.reject(new LightningError('refused', 'a seller dials nobody'));
  }

  channelPeers(): Promise<ReadonlySet<string>> {
    return this.#call(() => new Set(this.#account.links.keys()));
  }

  createInvoice(invoice: NewInvoice): Promise<CreatedInvoice> {
    // Reckoned by the process's clock, as the driver of lnd does it.
    const forS = invoice.expiresAtS - Math.ceil(this.#life.clock.nowMs() / 1000);
    return this.#call(() => {
      if (this.#life.world.random.chance(this.#mood.refuses)) throw new LightningError('refused', 'no');
      const paymentHash = this.#account.create(invoice, forS);
      return { paymentHash, paymentRequest: `lnsim1${paymentHash}` };
    });
  }

  lookUpInvoice(paymentHash: string): Promise<InvoiceState | undefined> {
    return this.#call(() => this.#account.invoice(paymentHash)?.state);
  }

  cancelInvoice(paymentHash: string): Promise<void> {
    return this.#call(() => this.#account.cancel(paymentHash));
  }

  settleInvoice(preimage: string): Promise<void> {
    return this.#call(() => this.#account.settle(preimage));
  }

  watchInvoice(paymentHash: string): () => void {
    this.#watched.add(paymentHash);
    this.#tellState(paymentHash);
    return () => void this.#watched.delete(paymentHash);
  }

  ourInvoices(sinceS: number): Promise<readonly OurInvoice[]> {
    return this.#call(() => {
      const recent = this.#account.invoices().filter(({ createdAtMs }) => createdAtMs >= sinceS * 1000);
      return recent.map(({ paymentHash, state }) => ({ paymentHash, invoice: state }));
    });
  }

  pay(): Promise<never> {
    return Promise.reject(new LightningError('payment-failed', 'a seller pays nobody'));
  }

  arrived(peer: string, type: number, payload: Uint8Array): void {
    if (this.#isUp && this.#online.has(peer)) this.#tell((to) => to.message?.(peer, type, payload));
  }

  peerTurned(peer: string, isOnline: boolean): void {
    if (!this.#isUp || this.#online.has(peer) === isOnline) return;
    if (isOnline) this.#online.add(peer);
    else this.#online.delete(peer);
    this.#tell((to) => (isOnline ? to.peerOnline?.(peer) : to.peerOffline?.(peer)));
  }

  invoiceTurned(update: InvoiceUpdate): void {
    if (!this.#isUp) return;
    if (update.cursor !== undefined) this.#tellLater(update);
    const { cursor: _cursor, ...seen } = update;
    if (this.#watched.has(update.paymentHash)) this.#tellLater(seen);
  }

  /** `tellsMissed`: the subscription goes on where it broke; otherwise only a look-up finds what was missed. */
  #comeUp(tellsMissed: boolean): void {
    if (this.#isUp || this.#isOver) return;
    this.#isUp = true;
    this.#tell((to) => to.up?.());
    for (const { isUp, peer } of this.#account.links.values()) if (isUp) this.peerTurned(peer, true);
    for (const update of tellsMissed ? this.#account.settledAfter(this.#cursor) : []) this.#tellLater(update);
    for (const paymentHash of this.#watched) this.#tellState(paymentHash);
  }

  #goDown(): void {
    if (!this.#isUp || this.#isOver) return;
    for (const peer of this.#online) this.peerTurned(peer, false);
    this.#isUp = false;
    this.#tell((to) => to.down?.('the simulation says so'));
  }

  #tellState(paymentHash: string): void {
    const invoice = this.#account.invoice(paymentHash)?.state;
    if (invoice !== undefined && invoice.state !== 'open') this.#tellLater({ paymentHash, invoice });
  }

  #tellLater(update: InvoiceUpdate): void {
    const tell = (): void => {
      if (!this.#isUp) return;
      if (update.cursor !== undefined && update.cursor > this.#cursor) this.#cursor = update.cursor;
      this.#tell((to) => to.invoice?.(update));
    };
    this.#news.push(this.#mood.newsWithinMs, tell);
    if (this.#life.world.random.chance(this.#mood.repeatsNews)) this.#life.world.soon(10_000, tell);
  }

  #tell(what: (to: LightningListener) => void): void {
    if (!this.#isOver) for (const listener of this.#listeners) what(listener);
  }

  get #isOver(): boolean {
    return this.#isClosed || this.#life.isOver;
  }

  #linkOf(peer: string): { readonly isFull: boolean } {
    const link = this.#account.links.get(peer);
    if (this.#isClosed || this.#mood.isAway) throw unavailable();
    if (link?.isUp !== true) throw new LightningError('peer-offline', 'the peer is not on line');
    return link;
  }

  async #call<T>(work: () => T): Promise<T> {
    const { random } = this.#life.world;
    const [isLostBefore, isLostAfter] = [random.chance(this.#mood.failsBefore), random.chance(this.#mood.failsAfter)];
    const options = { withinMs: CALL_MS, outlives: random.chance(0.5) };
    return this.#life.call(() => {
      if (this.#isClosed || this.#mood.isAway || isLostBefore) throw unavailable();
      const done = work();
      if (isLostAfter) throw unavailable();
      return done;
    }, options);
  }
}
