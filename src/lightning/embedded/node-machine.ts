import * as ldk from 'lightningdevkit';
import type { NodeId } from '../lightning.ts';
import { Channels } from './channels.ts';
import { Dialer } from './dialer.ts';
import { Invoices } from './invoices.ts';
import { LdkNode } from './ldk-node.ts';
import { Messages } from './messages.ts';
import { Payments } from './payments.ts';
import { Pump } from './pump.ts';
import { Sockets } from './sockets.ts';
import type { Store } from './store.ts';
import { Told } from './told.ts';
import { onTrap } from './wasm.ts';

const PEER_TICK_MS = 10_000; // pings: without them a dead peer is never noticed
const CHANNEL_TICK_MS = 60_000;

/** The parts of a node, and what drives them: bytes in, LDK, its events, one commit, and only then answers and bytes out. */
export class NodeMachine {
  readonly store: Store;
  readonly ldk: LdkNode;
  readonly told: Told;
  readonly pump: Pump;
  readonly sockets: Sockets;
  readonly messages: Messages;
  readonly invoices: Invoices;
  readonly payments: Payments;
  readonly channels: Channels;
  readonly dialer: Dialer;
  readonly #timers: NodeJS.Timeout[];
  readonly #untrap: () => void;
  #answers: (() => void)[] = [];
  #arrivals: NodeId[] = [];

  constructor(store: Store, log: (level: 'warn' | 'error', message: string) => void) {
    this.store = store;
    this.told = new Told((message) => log('error', message));
    this.pump = new Pump({
      read: () => this.sockets.read(),
      work: () => this.#work(),
      commit: () => {
        this.ldk.save(store);
        store.commit();
      },
      release: () => this.#release(),
      failed: (reason) => this.#failed(reason),
    });
    const schedule = (): void => this.pump.schedule();
    this.sockets = new Sockets({
      peerManager: () => this.ldk.peers,
      enter: (call) => this.pump.enter(call),
      schedule,
    });
    this.messages = new Messages({
      room: (peer) => this.sockets.room(peer),
      arrived: (peer, type, payload) => {
        this.sockets.count();
        this.told.message(peer, type, payload);
      },
      online: (peer) => {
        this.sockets.nameReading(peer);
        this.#arrivals.push(peer);
        this.told.push((listener) => listener.peerOnline?.(peer));
      },
      offline: (peer) => {
        this.sockets.forget(peer);
        this.told.push((listener) => listener.peerOffline?.(peer));
      },
    });
    this.ldk = new LdkNode(store, this.messages.handler, schedule, log);
    this.invoices = new Invoices(store, this.ldk, (update) => {
      this.told.push((listener) => listener.invoice?.(update));
      return this.told.started;
    });
    this.payments = new Payments(store, this.ldk, {
      schedule,
      afterCommit: (answer) => this.#answers.push(answer),
    });
    this.channels = new Channels(this.ldk, (message) => log('warn', message));
    this.dialer = new Dialer(this.sockets, store, (peer) => this.messages.isOnline(peer));
    const every = (ms: number, tick: () => void): NodeJS.Timeout =>
      setInterval(() => {
        this.pump.enter(tick);
        schedule();
      }, ms).unref();
    this.#timers = [
      every(PEER_TICK_MS, () => this.ldk.peers.timer_tick_occurred()),
      every(CHANNEL_TICK_MS, () => {
        this.ldk.tellTime();
        this.ldk.manager.timer_tick_occurred();
      }),
    ];
    this.#untrap = onTrap((reason) => this.#failed(reason));
  }

  #work(): boolean {
    this.ldk.peers.process_events();
    const events = this.ldk.takeEvents();
    for (const event of events) this.#handle(event);
    const arrivals = this.#arrivals;
    this.#arrivals = [];
    for (const peer of arrivals) this.dialer.online(peer);
    const sent = this.payments.sendQueued();
    return sent || events.length > 0;
  }

  #handle(event: ldk.Event): void {
    if (event instanceof ldk.Event_PendingHTLCsForwardable) this.ldk.manager.process_pending_htlc_forwards();
    else if (event instanceof ldk.Event_PaymentClaimable) this.invoices.onClaimable(event);
    else if (event instanceof ldk.Event_PaymentClaimed) this.invoices.onClaimed(event);
    else if (event instanceof ldk.Event_PaymentSent) this.payments.onSent(event);
    else if (event instanceof ldk.Event_PaymentFailed) this.payments.onFailed(event);
    else if (event instanceof ldk.Event_OpenChannelRequest) this.channels.onOpenChannelRequest(event);
    else if (event instanceof ldk.Event_FundingGenerationReady) this.channels.onFundingGenerationReady(event);
    else if (event instanceof ldk.Event_ChannelClosed) this.channels.onClosed(event);
  }

  #release(): boolean {
    if (this.sockets.flush()) this.store.passed('bytes out');
    const answers = this.#answers;
    this.#answers = [];
    for (const answer of answers) answer();
    this.told.flush();
    this.channels.settle();
    this.messages.release();
    return this.messages.ready;
  }

  /** Fails closed: nothing that has not been committed leaves, and LDK is not called again. */
  #failed(reason: string): void {
    if (this.pump.stopped) return;
    this.sockets.abort();
    this.told.push((listener) => listener.down?.(reason));
    this.end(reason);
    this.told.flush();
  }

  /** Nothing is done any more; what waits is told why. */
  end(reason: string): void {
    const error = this.pump.stop(reason);
    this.#untrap();
    for (const timer of this.#timers) clearInterval(timer);
    this.dialer.close(error);
    this.messages.close(error);
    this.payments.close(error);
    this.channels.close(error);
    this.store.close();
    this.ldk.retire();
  }
}
