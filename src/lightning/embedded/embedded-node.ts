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
import type { EmbeddedChannel } from './channels.ts';
import { unhex } from './hex.ts';
import { MAX_MESSAGE_BYTES } from './messages.ts';
import { NodeMachine } from './node-machine.ts';
import type { Pump } from './pump.ts';
import { Store } from './store.ts';
import type { BoundaryHook } from './store.ts';
import { loadLdk, trapOf } from './wasm.ts';

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

const CLAIM_MS = 30_000;

/** A Lightning node inside this process (LDK), with play money on a made-up chain: for demo, development and tests. */
export class EmbeddedNode implements LightningNode {
  readonly nodeId: NodeId;
  readonly maxMessageBytes = MAX_MESSAGE_BYTES;
  /** host:port, or '' when the node does not listen. */
  address = '';
  readonly #machine: NodeMachine;
  readonly #pump: Pump;

  /** Use `openEmbeddedNode`. */
  constructor(machine: NodeMachine) {
    this.#machine = machine;
    this.#pump = machine.pump;
    this.nodeId = machine.ldk.nodeId;
  }

  /** Continues what an earlier run has left, and listens. */
  async open(listen: EmbeddedOptions['listen']): Promise<void> {
    this.#pump.attempt(() => {
      this.#machine.ldk.tellTime();
      this.#machine.invoices.resume();
      this.#machine.dialer.resume();
    });
    await this.#pump.committed();
    if (listen !== undefined) this.address = await this.#machine.sockets.listen(listen.host, listen.port);
  }

  listen(listener: LightningListener): () => void {
    return this.#machine.told.listen(listener);
  }

  async start(cursor: bigint): Promise<void> {
    this.#pump.attempt(() => {
      this.#machine.told.start([
        (listener) => listener.up?.(),
        ...this.#machine.messages.peers.map((peer) => (listener: LightningListener) => listener.peerOnline?.(peer)),
        ...[...this.#machine.invoices.settledAfter(cursor), ...this.#machine.invoices.watched()].map(
          (update) => (listener: LightningListener) => listener.invoice?.(update),
        ),
      ]);
    });
    await this.#pump.committed();
  }

  async close(): Promise<void> {
    if (this.#pump.stopped) return;
    this.#pump.run();
    this.#machine.end('it has been closed');
    await this.#machine.sockets.close();
  }

  async sendMessage(peer: NodeId, type: number, payload: Uint8Array): Promise<void> {
    const taken = this.#pump.attempt(() => this.#machine.messages.send(peer, type, payload));
    this.#pump.schedule();
    await taken;
  }

  async peers(): Promise<NodeId[]> {
    return this.#pump.attempt(() => this.#machine.messages.peers);
  }

  async connectPeer(peer: NodeId, address: string): Promise<void> {
    await this.#pump.attempt(() => this.#machine.dialer.connect(peer, address));
    await this.#pump.committed();
  }

  async channelPeers(): Promise<ReadonlySet<NodeId>> {
    return this.#pump.attempt(() => this.#machine.channels.usablePeers());
  }

  /** Breaks the connection, and does not dial the peer again. */
  async disconnectPeer(peer: NodeId): Promise<void> {
    this.#pump.attempt(() => {
      this.#machine.dialer.forget(peer);
      if (this.#machine.messages.isOnline(peer)) this.#machine.ldk.peers.disconnect_by_node_id(unhex(peer));
    });
    await this.#pump.committed();
  }

  /** Opens a channel of play money to a connected peer; resolves once it can be used. */
  async openChannel(peer: NodeId, capacitySat: bigint, pushMsat: Msat): Promise<void> {
    const opened = this.#pump.attempt(() => {
      if (!this.#machine.messages.isOnline(peer)) throw new LightningError('peer-offline', `${peer} is not connected`);
      return this.#machine.channels.open(peer, capacitySat, pushMsat);
    });
    this.#pump.schedule();
    await opened;
  }

  /** All channels, with what we could pay and be paid over each. */
  channels(): EmbeddedChannel[] {
    return this.#pump.attempt(() => this.#machine.channels.list());
  }

  async createInvoice(invoice: NewInvoice): Promise<CreatedInvoice> {
    const created = this.#pump.attempt(() => this.#machine.invoices.create(invoice));
    await this.#pump.committed();
    return created;
  }

  async lookUpInvoice(paymentHash: PaymentHash): Promise<InvoiceState | undefined> {
    const state = this.#pump.attempt(() => this.#machine.invoices.lookUp(paymentHash));
    if (this.#machine.store.writing) await this.#pump.committed(); // what was read may not be on disk yet
    return state;
  }

  cancelInvoice(paymentHash: PaymentHash): Promise<void> {
    return this.#onceClaimed(() => this.#machine.invoices.cancel(paymentHash));
  }

  settleInvoice(preimage: string): Promise<void> {
    return this.#onceClaimed(() => this.#machine.invoices.settle(preimage));
  }

  watchInvoice(paymentHash: PaymentHash): () => void {
    const unwatch = this.#pump.attempt(() => this.#machine.invoices.watch(paymentHash));
    this.#pump.schedule();
    return unwatch;
  }

  async ourInvoices(sinceS: number): Promise<readonly OurInvoice[]> {
    return this.#pump.attempt(() => this.#machine.invoices.createdSince(sinceS));
  }

  async pay(payment: Payment): Promise<PaidInvoice> {
    return this.#pump.attempt(() => this.#machine.payments.pay(payment));
  }

  /** Adds empty blocks to the made-up chain, which has none otherwise: held payments go back when theirs are over. */
  async mine(blocks: number): Promise<void> {
    this.#pump.attempt(() => {
      this.#machine.invoices.onBlock(this.#machine.ldk.height + blocks);
      this.#machine.ldk.mine(blocks);
    });
    await this.#pump.committed();
  }

  /** What the node has done since it was opened; for tests and measurements. */
  get commits(): number {
    return this.#machine.store.commits;
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
    node = new EmbeddedNode(new NodeMachine(store, options.log ?? (() => undefined)));
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
