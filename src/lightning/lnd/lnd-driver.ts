import { addPeer, getChannels, getPeers, getWalletInfo } from 'lightning';
import { LightningError } from '../lightning.ts';
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
  PaymentHash,
} from '../lightning.ts';
import { Calls } from './calls.ts';
import type { Connection } from './connection.ts';
import { cancelInvoice, createInvoice, lookUpInvoice, ourInvoices, settleInvoice } from './invoices.ts';
import { Payments } from './payments.ts';
import { Roster } from './roster.ts';
import { Settlements } from './settlements.ts';
import { follow, Supervisor } from './supervisor.ts';
import type { Supervised } from './supervisor.ts';
import { Watches } from './watches.ts';

export type LndLog = (level: 'info' | 'warn' | 'error', message: string) => void;

/** BOLT 1 leaves 65,535 bytes to a message, of which its type takes two. */
const MAX_MESSAGE_BYTES = 65_533;
const CONNECT_TIMEOUT_MS = 15_000;
/** What lnd told of its peers in the wrong order, or not at all, is put right after this. */
const COMPARE_EVERY_MS = 30_000;

/** lnd as LightningNode, over gRPC. `openLndNode` makes one. */
export class LndNode implements LightningNode {
  readonly nodeId: NodeId;
  readonly maxMessageBytes = MAX_MESSAGE_BYTES;
  readonly #connection: Connection;
  readonly #log: LndLog;
  readonly #calls = new Calls();
  readonly #listeners = new Set<LightningListener>();
  readonly #settlements: Settlements;
  readonly #watches: Watches;
  readonly #roster: Roster;
  readonly #payments: Payments;
  readonly #supervisor: Supervisor;
  #comparer: NodeJS.Timeout | undefined;

  constructor(connection: Connection, nodeId: NodeId, log: LndLog) {
    this.nodeId = nodeId;
    this.#connection = connection;
    this.#log = log;
    const invoice = (update: InvoiceUpdate): void => this.#tell((to) => to.invoice?.(update));
    this.#settlements = new Settlements(connection, invoice);
    this.#watches = new Watches(connection, invoice);
    this.#payments = new Payments(connection);
    const telling = {
      peerOnline: (peer: NodeId) => this.#tell((to) => to.peerOnline?.(peer)),
      peerOffline: (peer: NodeId) => this.#tell((to) => to.peerOffline?.(peer)),
      message: (peer: NodeId, type: number, payload: Uint8Array) =>
        this.#tell((to) => to.message?.(peer, type, payload)),
    };
    this.#roster = new Roster(telling, () => this.peers());
    this.#supervisor = new Supervisor(this.#supervised());
  }

  listen(listener: LightningListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** /lnrpc.Lightning/SubscribePeerEvents (peers:read), SubscribeCustomMessages (offchain:read), and what `Settlements` needs. */
  async start(cursor: bigint): Promise<void> {
    if (this.#calls.isClosed) throw new LightningError('unavailable', 'starting: this node has been closed');
    this.#settlements.startAfter(cursor);
    await this.#supervisor.start();
  }

  /** Calls under way reject with 'unavailable', payments with 'payment-unknown'; nothing is told any more. Repeatable. */
  async close(): Promise<void> {
    if (this.#calls.isClosed) return;
    this.#listeners.clear();
    clearInterval(this.#comparer);
    const { drained } = this.#calls.close();
    await this.#supervisor.close();
    // After the last answer, for grpc-js throws at a call on a closed client, and inside `lightning` nobody would catch it.
    void Promise.all([drained, this.#payments.settled()]).then(() => this.#connection.close());
  }

  /** /lnrpc.Lightning/SendCustomMessage (offchain:write). Resolves when lnd has written it to the peer's connection. */
  async sendMessage(peer: NodeId, type: number, payload: Uint8Array): Promise<void> {
    if (payload.length > MAX_MESSAGE_BYTES)
      throw new LightningError('refused', `sending a message: more than ${MAX_MESSAGE_BYTES} bytes`);
    await this.#calls.do('sending a message', () => this.#connection.messages.send(peer, type, payload));
  }

  /** /lnrpc.Lightning/ListPeers (peers:read). */
  peers(): Promise<NodeId[]> {
    return this.#calls.do('listing peers', async () => {
      const { peers } = await getPeers({ lnd: this.#connection.lnd });
      return peers.map(({ public_key }) => public_key);
    });
  }

  /** /lnrpc.Lightning/ListChannels (offchain:read). */
  channelPeers(): Promise<ReadonlySet<NodeId>> {
    return this.#calls.do('listing channels', async () => {
      const { channels } = await getChannels({ lnd: this.#connection.lnd, is_active: true });
      return new Set(channels.map(({ partner_public_key }) => partner_public_key));
    });
  }

  /** /lnrpc.Lightning/ConnectPeer (peers:write), ListPeers (peers:read). lnd does not dial again when the connection breaks. */
  async connectPeer(peer: NodeId, address: string): Promise<void> {
    const doing = `connecting to ${peer}`;
    if (peer === this.nodeId) throw new LightningError('refused', `${doing}: that is our own node`);
    const { lnd } = this.#connection;
    const args = {
      lnd,
      public_key: peer,
      socket: address,
      is_temporary: true,
      timeout: CONNECT_TIMEOUT_MS,
      retry_count: 1,
    };
    try {
      await this.#calls.do(doing, () => addPeer(args));
    } catch (error) {
      // lnd says in Go's words why it could not dial; they are all one to the caller.
      if (!(error instanceof LightningError) || error.code !== 'refused') throw error;
      throw new LightningError('peer-offline', error.message);
    }
    if (this.#comparer === undefined) return; // not started: nobody waits to be told
    this.#compare();
    if (!(await this.#roster.until(peer, CONNECT_TIMEOUT_MS)))
      throw new LightningError('peer-offline', `${doing}: the connection broke at once`);
  }

  createInvoice(invoice: NewInvoice): Promise<CreatedInvoice> {
    return this.#calls.do('creating an invoice', () => createInvoice(this.#connection, invoice));
  }

  lookUpInvoice(paymentHash: PaymentHash): Promise<InvoiceState | undefined> {
    return this.#calls.do('looking an invoice up', () => lookUpInvoice(this.#connection, paymentHash));
  }

  cancelInvoice(paymentHash: PaymentHash): Promise<void> {
    return this.#calls.do('cancelling an invoice', () => cancelInvoice(this.#connection, paymentHash));
  }

  settleInvoice(preimage: string): Promise<void> {
    return this.#calls.do('settling an invoice', () => settleInvoice(this.#connection, preimage));
  }

  watchInvoice(paymentHash: PaymentHash): () => void {
    if (this.#calls.isClosed) throw new LightningError('unavailable', 'watching an invoice: this node has been closed');
    return this.#watches.watch(paymentHash);
  }

  ourInvoices(sinceS: number): Promise<readonly OurInvoice[]> {
    return this.#calls.do('listing our invoices', () => ourInvoices(this.#connection, sinceS));
  }

  pay(payment: Payment): Promise<PaidInvoice> {
    const interrupted = () =>
      new LightningError('payment-unknown', 'paying: closed meanwhile; ask again with the same invoice');
    return this.#calls.do('paying', () => this.#payments.pay(payment), interrupted);
  }

  #supervised(): Supervised {
    const { lnd, lightning, messages } = this.#connection;
    let settlements: ReturnType<Settlements['open']> | undefined;
    return {
      open: (ended) => {
        settlements = this.#settlements.open();
        return [
          follow(settlements.stream, settlements.take, ended),
          follow(lightning.subscribePeerEvents({}), (event) => this.#peerEvent(event.pub_key, event.type), ended),
          this.#watches.open(ended),
          messages.subscribe((peer, type, payload) => this.#message(peer, type, payload), ended),
        ];
      },
      catchUp: async () => {
        const { public_key } = await this.#calls.do('asking lnd who it is', () => getWalletInfo({ lnd }));
        if (public_key !== this.nodeId)
          throw new LightningError('refused', `lnd is another node now: ${public_key} instead of ${this.nodeId}`);
        await settlements?.caughtUp();
      },
      up: async () => {
        this.#comparer ??= setInterval(() => this.#compare(), COMPARE_EVERY_MS).unref();
        this.#tell((to) => to.up?.());
        await this.#roster.compare();
      },
      over: () => this.#roster.clear(),
      down: (reason) => {
        this.#log('warn', `${reason}; reconnecting`);
        this.#tell((to) => to.down?.(reason));
      },
    };
  }

  #peerEvent(peer: NodeId, type: string): void {
    if (type === 'PEER_ONLINE') this.#roster.connected(peer);
    if (type !== 'PEER_OFFLINE') return;
    // When a connection replaces another one, lnd may tell the end of the old one after the beginning of the new one.
    this.#roster.disconnected(peer);
    this.#compare();
  }

  #message(peer: NodeId, type: number, payload: Uint8Array): void {
    if (!this.#roster.message(peer, type, payload)) this.#compare();
  }

  #compare(): void {
    this.#roster.compare().catch(() => undefined); // when lnd is gone, the streams tell
  }

  #tell(what: (to: LightningListener) => void): void {
    for (const listener of this.#listeners) {
      try {
        what(listener);
      } catch (error) {
        this.#log('error', `a listener threw, which it must not: ${error instanceof Error ? error.name : 'no error'}`);
      }
    }
  }
}
