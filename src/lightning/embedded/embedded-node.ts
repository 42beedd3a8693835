import * as ldk from 'lightningdevkit';
import type { Msat } from '../../money/msat.ts';
import { LightningError } from '../lightning.ts';
import type {
  CreatedInvoice,
  InvoiceState,
  LightningListener,
  LightningNode,
  NewInvoice,
  NodeId,
  OurInvoice,
  PaidInvoice,
  Payment,
  PaymentHash,
} from '../lightning.ts';
import { Channels } from './channels.ts';
import type { EmbeddedChannel } from './channels.ts';
import { Dialer } from './dialer.ts';
import { unhex } from './hex.ts';
import { Invoices } from './invoices.ts';
import { LdkNode } from './ldk-node.ts';
import { MAX_MESSAGE_BYTES, Messages } from './messages.ts';
import { Payments } from './payments.ts';
import { Pump } from './pump.ts';
import { Sockets } from './sockets.ts';
import { Store } from './store.ts';
import type { BoundaryHook } from './store.ts';
import { Told } from './told.ts';
import { loadLdk, onTrap, trapOf } from './wasm.ts';

export type { EmbeddedChannel } from './channels.ts';

export interface EmbeddedOptions {
  /** Holds the node's key and its state; made when missing. One process at a time. */
  readonly directory: string;
  /** Where to take connections; port 0 = any free one. Absent: none are taken. */
  readonly listen?: { readonly host: string; readonly port: number };
  /** There is one network, and its money is made up. Anything but 'regtest' is refused. */
  readonly network?: string;
  readonly log?: (level: 'warn' | 'error', message: string) => void;
}

const PEER_TICK_MS = 10_000; // pings: without them a dead peer is never noticed
const CHANNEL_TICK_MS = 60_000;
const CLAIM_MS = 30_000;

/** A Lightning node inside this process (LDK), with play money on a made-up chain: for demo, development and tests. */
export class EmbeddedNode implements LightningNode {
  readonly nodeId: NodeId;
  readonly maxMessageBytes = MAX_MESSAGE_BYTES;
  /** host:port, or '' when the node does not listen. */
  address = '';
  readonly #store: Store;
  readonly #ldk: LdkNode;
  readonly #told: Told;
  readonly #pump: Pump;
  readonly #sockets: Sockets;
  readonly #messages: Messages;
  readonly #invoices: Invoices;
  readonly #payments: Payments;
  readonly #channels: Channels;
  readonly #dialer: Dialer;
  readonly #timers: NodeJS.Timeout[];
  readonly #untrap: () => void;
  #answers: (() => void)[] = [];
  #arrivals: NodeId[] = [];

  /** Use `openEmbeddedNode`. */
  constructor(store: Store, log: NonNullable<EmbeddedOptions['log']>) {
    this.#store = store;
    this.#told = new Told((message) => log('error', message));
    this.#pump = new Pump({
      read: () => this.#sockets.read(),
      work: () => this.#work(),
      commit: () => {
        this.#ldk.save(store);
        store.commit();
      },
      release: () => this.#release(),
      failed: (reason) => this.#failed(reason),
    });
    const schedule = (): void => this.#pump.schedule();
    this.#sockets = new Sockets({
      peerManager: () => this.#ldk.peers,
      enter: (call) => this.#pump.enter(call),
      schedule,
    });
    this.#messages = new Messages({
      room: (peer) => this.#sockets.room(peer),
      arrived: (peer, type, payload) => {
        this.#sockets.count();
        this.#told.message(peer, type, payload);
      },
      online: (peer) => {
        this.#sockets.nameReading(peer);
        this.#arrivals.push(peer);
        this.#told.push((listener) => listener.peerOnline?.(peer));
      },
      offline: (peer) => {
        this.#sockets.forget(peer);
        this.#told.push((listener) => listener.peerOffline?.(peer));
      },
    });
    this.#ldk = new LdkNode(store, this.#messages.handler, schedule, log);
    this.nodeId = this.#ldk.nodeId;
    this.#invoices = new Invoices(store, this.#ldk, (update) => {
      this.#told.push((listener) => listener.invoice?.(update));
      return this.#told.started;
    });
    this.#payments = new Payments(store, this.#ldk, {
      schedule,
      afterCommit: (answer) => this.#answers.push(answer),
    });
    this.#channels = new Channels(this.#ldk, (message) => log('warn', message));
    this.#dialer = new Dialer(this.#sockets, store, (peer) => this.#messages.isOnline(peer));
    const every = (ms: number, tick: () => void): NodeJS.Timeout =>
      setInterval(() => {
        this.#pump.enter(tick);
        schedule();
      }, ms).unref();
    this.#timers = [
      every(PEER_TICK_MS, () => this.#ldk.peers.timer_tick_occurred()),
      every(CHANNEL_TICK_MS, () => {
        this.#ldk.tellTime();
        this.#ldk.manager.timer_tick_occurred();
      }),
    ];
    this.#untrap = onTrap((reason) => this.#failed(reason));
  }

  /** Continues what an earlier run has left, and listens. */
  async open(listen: EmbeddedOptions['listen']): Promise<void> {
    this.#pump.attempt(() => {
      this.#ldk.tellTime();
      this.#invoices.resume();
      this.#dialer.resume();
    });
    await this.#pump.committed();
    if (listen !== undefined) this.address = await this.#sockets.listen(listen.host, listen.port);
  }

  listen(listener: LightningListener): () => void {
    return this.#told.listen(listener);
  }

  async start(cursor: bigint): Promise<void> {
    this.#pump.attempt(() => {
      this.#told.start([
        (listener) => listener.up?.(),
        ...this.#messages.peers.map((peer) => (listener: LightningListener) => listener.peerOnline?.(peer)),
        ...[...this.#invoices.settledAfter(cursor), ...this.#invoices.watched()].map(
          (update) => (listener: LightningListener) => listener.invoice?.(update),
        ),
      ]);
    });
    await this.#pump.committed();
  }

  async close(): Promise<void> {
    if (this.#pump.stopped) return;
    this.#pump.run();
    this.#end('it has been closed');
    await this.#sockets.close();
  }

  async sendMessage(peer: NodeId, type: number, payload: Uint8Array): Promise<void> {
    const taken = this.#pump.attempt(() => this.#messages.send(peer, type, payload));
    this.#pump.schedule();
    await taken;
  }

  async peers(): Promise<NodeId[]> {
    return this.#pump.attempt(() => this.#messages.peers);
  }

  async connectPeer(peer: NodeId, address: string): Promise<void> {
    await this.#pump.attempt(() => this.#dialer.connect(peer, address));
    await this.#pump.committed();
  }

  async channelPeers(): Promise<ReadonlySet<NodeId>> {
    return this.#pump.attempt(() => this.#channels.usablePeers());
  }

  /** Breaks the connection, and does not dial the peer again. */
  async disconnectPeer(peer: NodeId): Promise<void> {
    this.#pump.attempt(() => {
      this.#dialer.forget(peer);
      if (this.#messages.isOnline(peer)) this.#ldk.peers.disconnect_by_node_id(unhex(peer));
    });
    await this.#pump.committed();
  }

  /** Opens a channel of play money to a connected peer; resolves once it can be used. */
  async openChannel(peer: NodeId, capacitySat: bigint, pushMsat: Msat): Promise<void> {
    const opened = this.#pump.attempt(() => {
      if (!this.#messages.isOnline(peer)) throw new LightningError('peer-offline', `${peer} is not connected`);
      return this.#channels.open(peer, capacitySat, pushMsat);
    });
    this.#pump.schedule();
    await opened;
  }

  /** All channels, with what we could pay and be paid over each. */
  channels(): EmbeddedChannel[] {
    return this.#pump.attempt(() => this.#channels.list());
  }

  async createInvoice(invoice: NewInvoice): Promise<CreatedInvoice> {
    const created = this.#pump.attempt(() => this.#invoices.create(invoice));
    await this.#pump.committed();
    return created;
  }

  async lookUpInvoice(paymentHash: PaymentHash): Promise<InvoiceState | undefined> {
    const state = this.#pump.attempt(() => this.#invoices.lookUp(paymentHash));
    if (this.#store.writing) await this.#pump.committed(); // what was read may not be on disk yet
    return state;
  }

  cancelInvoice(paymentHash: PaymentHash): Promise<void> {
    return this.#onceClaimed(() => this.#invoices.cancel(paymentHash));
  }

  settleInvoice(preimage: string): Promise<void> {
    return this.#onceClaimed(() => this.#invoices.settle(preimage));
  }

  watchInvoice(paymentHash: PaymentHash): () => void {
    const unwatch = this.#pump.attempt(() => this.#invoices.watch(paymentHash));
    this.#pump.schedule();
    return unwatch;
  }

  async ourInvoices(sinceS: number): Promise<readonly OurInvoice[]> {
    return this.#pump.attempt(() => this.#invoices.createdSince(sinceS));
  }

  async pay(payment: Payment): Promise<PaidInvoice> {
    return this.#pump.attempt(() => this.#payments.pay(payment));
  }

  /** Adds empty blocks to the made-up chain, which has none otherwise: held payments go back when theirs are over. */
  async mine(blocks: number): Promise<void> {
    this.#pump.attempt(() => {
      this.#invoices.onBlock(this.#ldk.height + blocks);
      this.#ldk.mine(blocks);
    });
    await this.#pump.committed();
  }

  /** What the node has done since it was opened; for tests and measurements. */
  get commits(): number {
    return this.#store.commits;
  }

  /** Does what is refused with `false` while a payment is being claimed. */
  async #onceClaimed(attempt: () => boolean): Promise<void> {
    const deadline = performance.now() + CLAIM_MS;
    while (!this.#pump.attempt(attempt)) {
      if (performance.now() > deadline) {
        throw new LightningError('unavailable', 'a payment of this invoice is being claimed: ask again');
      }
      await this.#pump.committed();
    }
    await this.#pump.committed();
  }

  #work(): boolean {
    this.#ldk.peers.process_events();
    const events = this.#ldk.takeEvents();
    for (const event of events) this.#handle(event);
    const arrivals = this.#arrivals;
    this.#arrivals = [];
    for (const peer of arrivals) this.#dialer.online(peer);
    const sent = this.#payments.sendQueued();
    return sent || events.length > 0;
  }

  #handle(event: ldk.Event): void {
    if (event instanceof ldk.Event_PendingHTLCsForwardable) this.#ldk.manager.process_pending_htlc_forwards();
    else if (event instanceof ldk.Event_PaymentClaimable) this.#invoices.onClaimable(event);
    else if (event instanceof ldk.Event_PaymentClaimed) this.#invoices.onClaimed(event);
    else if (event instanceof ldk.Event_PaymentSent) this.#payments.onSent(event);
    else if (event instanceof ldk.Event_PaymentFailed) this.#payments.onFailed(event);
    else if (event instanceof ldk.Event_OpenChannelRequest) this.#channels.onOpenChannelRequest(event);
    else if (event instanceof ldk.Event_FundingGenerationReady) this.#channels.onFundingGenerationReady(event);
    else if (event instanceof ldk.Event_ChannelClosed) this.#channels.onClosed(event);
  }

  #release(): boolean {
    if (this.#sockets.flush()) this.#store.passed('bytes out');
    const answers = this.#answers;
    this.#answers = [];
    for (const answer of answers) answer();
    this.#told.flush();
    this.#channels.settle();
    this.#messages.release();
    return this.#messages.ready;
  }

  /** Fails closed: nothing that has not been committed leaves, and LDK is not called again. */
  #failed(reason: string): void {
    if (this.#pump.stopped) return;
    this.#sockets.abort();
    this.#told.push((listener) => listener.down?.(reason));
    this.#end(reason);
    this.#told.flush();
  }

  #end(reason: string): void {
    const error = this.#pump.stop(reason);
    this.#untrap();
    for (const timer of this.#timers) clearInterval(timer);
    this.#dialer.close(error);
    this.#messages.close(error);
    this.#payments.close(error);
    this.#channels.close(error);
    this.#store.close();
    this.#ldk.retire();
  }
}

/** Opens the node of a directory, or makes a new one. `hook` is called at every write boundary: for crash tests. */
export async function openEmbeddedNode(options: EmbeddedOptions, hook?: BoundaryHook): Promise<EmbeddedNode> {
  if (options.network !== undefined && options.network !== 'regtest') {
    const message = `the embedded node holds play money on regtest only, not on ${options.network}: use the lnd driver for real money`;
    throw new LightningError('refused', message);
  }
  await loadLdk();
  const trap = trapOf();
  if (trap !== undefined) throw new LightningError('unavailable', trap);
  const store = new Store(options.directory, hook);
  let node: EmbeddedNode | undefined;
  try {
    node = new EmbeddedNode(store, options.log ?? (() => undefined));
    await node.open(options.listen);
    return node;
  } catch (error) {
    if (node === undefined) store.close();
    else await node.close();
    if (error instanceof LightningError) throw error;
    const message = `the embedded node could not be opened: ${error instanceof Error ? error.message : String(error)}`;
    throw new LightningError('unavailable', message, { cause: error });
  }
}
