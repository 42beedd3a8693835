import { LightningError } from '../../src/lightning/lightning.ts';
import type {
  CreatedInvoice,
  InvoiceState,
  InvoiceUpdate,
  LightningListener,
  LightningNode,
  NewInvoice,
  NodeId,
  OurInvoice,
  PaidInvoice,
  Payment,
} from '../../src/lightning/lightning.ts';
import type { FakeAccount } from './fake-account.ts';
import type { FakeNetwork } from './fake-network.ts';

const CALLS = [
  'sendMessage',
  'channelPeers',
  'createInvoice',
  'lookUpInvoice',
  'cancelInvoice',
  'settleInvoice',
  'ourInvoices',
  'pay',
] as const;
type Call = (typeof CALLS)[number];

/** What happens before a call is served: it may wait, or throw what the call then rejects with. */
export type Fault = () => void | Promise<void>;

export const unavailable: Fault = () => {
  throw new LightningError('unavailable', 'the node does not answer');
};

const MAX_MESSAGE_BYTES = 65_533;

/** A driver of a fake node: the port `LightningNode` for one process, with switches for everything that goes wrong. */
export class FakeNode implements LightningNode {
  readonly maxMessageBytes = MAX_MESSAGE_BYTES;
  readonly account: FakeAccount;
  /** What goes wrong from now on, call by call. */
  readonly faults: Partial<Record<Call, Fault>> = {};
  /** True: invoices are held, settled and cancelled, but nobody is told, as when a subscription broke. */
  dropsSettlements = false;
  /** The peers with whom there is no channel; with all others there is one. */
  readonly channelless = new Set<NodeId>();
  /** Peers that do not read: what is sent to them is never taken. */
  readonly stuck = new Set<NodeId>();
  readonly #network: FakeNetwork;
  readonly #listeners = new Set<LightningListener>();
  readonly #stopInvoices: () => void;
  readonly #watched = new Map<string, symbol>();
  /** Events that wait: those before `start`, or while messages are held back. */
  #held: (() => void)[] | undefined = [];
  #isStarted = false;
  #isClosed = false;

  constructor(network: FakeNetwork, account: FakeAccount) {
    this.#network = network;
    this.account = account;
    this.#stopInvoices = account.onInvoice((update) => network.later(() => this.#invoice(update)));
  }

  get nodeId(): NodeId {
    return this.account.nodeId;
  }

  listen(listener: LightningListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  start(cursor: bigint): Promise<void> {
    this.#assertOpen();
    this.#isStarted = true;
    this.#tell((listener) => listener.up?.());
    for (const peer of this.#network.peersOf(this.nodeId)) this.#tell((listener) => listener.peerOnline?.(peer));
    for (const update of this.account.settledAfter(cursor)) this.#tell((listener) => listener.invoice?.(update));
    this.#tellWatched();
    this.releaseMessages();
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#listeners.clear();
    this.#watched.clear();
    this.#stopInvoices();
    return Promise.resolve();
  }

  async sendMessage(peer: NodeId, type: number, payload: Uint8Array): Promise<void> {
    const copy = new Uint8Array(payload);
    await this.#before('sendMessage');
    if (payload.length > MAX_MESSAGE_BYTES) throw new LightningError('refused', 'longer than a Lightning message');
    if (!this.#network.isConnected(this.nodeId, peer))
      throw new LightningError('peer-offline', 'the peer is not on line');
    if (this.stuck.has(peer)) await new Promise(() => {});
    this.#network.carry(this.nodeId, peer, type, copy);
  }

  async peers(): Promise<NodeId[]> {
    this.#assertOpen();
    return this.#network.peersOf(this.nodeId);
  }

  async connectPeer(peer: NodeId): Promise<void> {
    this.#assertOpen();
    this.#network.connect(this.nodeId, peer);
  }

  async channelPeers(): Promise<ReadonlySet<NodeId>> {
    await this.#before('channelPeers');
    return new Set(this.#network.peersOf(this.nodeId).filter((peer) => !this.channelless.has(peer)));
  }

  async createInvoice(invoice: NewInvoice): Promise<CreatedInvoice> {
    await this.#before('createInvoice');
    return this.account.create(invoice);
  }

  async lookUpInvoice(paymentHash: string): Promise<InvoiceState | undefined> {
    await this.#before('lookUpInvoice');
    return this.account.lookUp(paymentHash);
  }

  async cancelInvoice(paymentHash: string): Promise<void> {
    await this.#before('cancelInvoice');
    this.account.cancel(paymentHash);
  }

  async settleInvoice(preimage: string): Promise<void> {
    await this.#before('settleInvoice');
    this.account.take(preimage);
  }

  watchInvoice(paymentHash: string): () => void {
    this.#assertOpen();
    const watch = Symbol(paymentHash);
    this.#watched.set(paymentHash, watch);
    this.#network.later(() => this.#tellWatched(paymentHash));
    return () => {
      if (this.#watched.get(paymentHash) === watch) this.#watched.delete(paymentHash);
    };
  }

  /** How many invoices are watched. */
  get watches(): number {
    return this.#watched.size;
  }

  async ourInvoices(sinceS: number): Promise<readonly OurInvoice[]> {
    await this.#before('ourInvoices');
    return this.account.ours(sinceS);
  }

  async pay({ paymentRequest }: Payment): Promise<PaidInvoice> {
    await this.#before('pay');
    return this.#network.pay(this.account, paymentRequest);
  }

  /** The node is away: listeners are told, every call fails; the returned function brings it back. */
  outage(): () => void {
    for (const call of CALLS) this.faults[call] = unavailable;
    this.dropsSettlements = true;
    this.#tell((listener) => listener.down?.('out of order'));
    return () => {
      for (const call of CALLS) delete this.faults[call];
      this.dropsSettlements = false;
      this.#tell((listener) => listener.up?.());
      this.#tellWatched();
    };
  }

  /** A held payment has waited for too long: the node gives it back by itself. */
  expireHold(paymentHash: string): void {
    this.account.expireHold(paymentHash);
  }

  /** Messages and peer events from now on wait, in order, until `releaseMessages`. */
  holdMessages(): void {
    this.#held ??= [];
  }

  releaseMessages(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const happen of held) happen();
  }

  arrived(peer: NodeId, type: number, payload: Uint8Array): void {
    this.#inOrder(() => this.#tell((listener) => listener.message?.(peer, type, payload)));
  }

  /** Before the start nothing is kept: `start` tells who is on line. */
  peerTurned(peer: NodeId, isOnline: boolean): void {
    if (!this.#isStarted) return;
    this.#inOrder(() =>
      this.#tell((listener) => (isOnline ? listener.peerOnline?.(peer) : listener.peerOffline?.(peer))),
    );
  }

  /** As lnd does: every settlement is told once with its cursor, and of a watched invoice everything once without. */
  #invoice(update: InvoiceUpdate): void {
    if (!this.#isStarted || this.dropsSettlements) return;
    if (update.cursor !== undefined) this.#tell((listener) => listener.invoice?.(update));
    this.#tellWatch(update.paymentHash, update.invoice);
  }

  /** The present state of the watched invoices, or of one of them. */
  #tellWatched(...only: string[]): void {
    if (!this.#isStarted || this.dropsSettlements) return;
    for (const paymentHash of only.length > 0 ? only : [...this.#watched.keys()])
      this.#tellWatch(paymentHash, this.account.lookUp(paymentHash));
  }

  #tellWatch(paymentHash: string, invoice: InvoiceState | undefined): void {
    if (!this.#watched.has(paymentHash) || invoice === undefined || invoice.state === 'open') return;
    if (invoice.state !== 'held') this.#watched.delete(paymentHash);
    this.#tell((listener) => listener.invoice?.({ paymentHash, invoice }));
  }

  #inOrder(happen: () => void): void {
    if (this.#held === undefined) happen();
    else this.#held.push(happen);
  }

  #tell(what: (listener: LightningListener) => void): void {
    for (const listener of this.#listeners) what(listener);
  }

  async #before(call: Call): Promise<void> {
    this.#assertOpen();
    await this.faults[call]?.();
    this.#assertOpen();
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new LightningError('unavailable', 'the node was closed');
  }
}
