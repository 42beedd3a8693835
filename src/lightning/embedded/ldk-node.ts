import { randomBytes } from 'node:crypto';
import * as ldk from 'lightningdevkit';
import { hex } from './hex.ts';
import { playHeader } from './play-chain.ts';
import type { MonitorChange, Store } from './store.ts';

const NETWORK = ldk.Network.LDKNetwork_Regtest;
const SAVED = ldk.ChannelMonitorUpdateStatus.LDKChannelMonitorUpdateStatus_Completed;
/** Updates between two whole monitors: a whole one is larger, an update must be played back at start. */
const UPDATES_PER_MONITOR = 50;
const FEE_RATE = 253; // the least that LDK takes: nobody mines this chain
const DUST_LIMIT_MSAT = 500_000_000n; // the default of 2,530 sat admits two small payments at once, and no third

/** The freeing order of the garbage collector is not the one LDK needs: objects of closed nodes stay until the process ends. */
const closed: unknown[] = [];

/** One for all nodes of the process, and always empty: LDK reserves 150 MB for each, and never hears gossip here. */
let emptyGraph: ldk.NetworkGraph | undefined;

type Log = (level: 'warn' | 'error', message: string) => void;

/** Drops what the bindings' call wrappers have collected: they keep every argument for ever. We hold what must live. */
const forget = (...objects: object[]): void => {
  for (const object of objects) (object as { ptrs_to: unknown[] }).ptrs_to.length = 0;
};

function settings(): ldk.UserConfig {
  const config = ldk.UserConfig.constructor_default();
  config.set_manually_accept_inbound_channels(true); // the only way to zero-conf
  const handshake = config.get_channel_handshake_config();
  handshake.set_our_htlc_minimum_msat(1n);
  handshake.set_our_max_accepted_htlcs(483);
  handshake.set_max_inbound_htlc_value_in_flight_percent_of_channel(100);
  config.set_channel_handshake_config(handshake); // getters return copies
  const channel = config.get_channel_config();
  channel.set_max_dust_htlc_exposure(ldk.MaxDustHTLCExposure.constructor_fixed_limit_msat(DUST_LIMIT_MSAT));
  config.set_channel_config(channel);
  return config;
}

/** The objects of LDK, new or restored from the store, and what changed in them since the last save. */
export class LdkNode {
  readonly manager: ldk.ChannelManager;
  readonly peers: ldk.PeerManager;
  readonly nodeId: string;
  readonly #monitors = new Map<string, MonitorChange>();
  readonly #sinceWhole = new Map<string, number>();
  readonly #held: object[];
  readonly #chainMonitor: ldk.ChainMonitor;
  readonly #confirm: ldk.Confirm;
  readonly #monitorConfirm: ldk.Confirm;
  readonly #providers: ldk.EventsProvider[];
  readonly #events: ldk.EventHandler;
  #queue: ldk.Event[] = [];
  #timeS: number;

  constructor(store: Store, messages: ldk.CustomMessageHandler, changed: () => void, log: Log) {
    let seed = store.readState('seed');
    if (seed === undefined) store.writeState('seed', (seed = randomBytes(32)));
    const nowMs = Date.now();
    this.#timeS = Math.floor(nowMs / 1000);
    const keys = ldk.KeysManager.constructor_new(seed, BigInt(this.#timeS), (nowMs % 1000) * 1_000_000);
    const entropy = keys.as_EntropySource();
    const signer = keys.as_NodeSigner();
    const signers = keys.as_SignerProvider();
    const fees = ldk.FeeEstimator.new_impl({ get_est_sat_per_1000_weight: () => FEE_RATE });
    const logger = ldk.Logger.new_impl({
      log: (record) => {
        if (record.get_level() >= ldk.Level.LDKLevel_Error) log('error', `LDK: ${record.get_args()}`);
      },
    });
    const broadcaster = ldk.BroadcasterInterface.new_impl({ broadcast_transactions: () => undefined }); // no chain, nobody to tell
    // Called in the middle of LDK: it may not be called back, and its arguments are good during the call only.
    const keep = (
      outpoint: ldk.OutPoint,
      update: ldk.ChannelMonitorUpdate | undefined,
      monitor: ldk.ChannelMonitor,
    ) => {
      this.#keepMonitor(`${hex(outpoint.get_txid())}_${outpoint.get_index()}`, update, monitor);
      changed();
      return SAVED; // not yet, but no byte leaves before it is
    };
    const persist = ldk.Persist.new_impl({
      persist_new_channel: (outpoint, monitor) => keep(outpoint, undefined, monitor),
      update_persisted_channel: (outpoint, update, monitor) =>
        keep(outpoint, (update as unknown as { ptr: bigint }).ptr === 0n ? undefined : update, monitor),
      archive_persisted_channel: () => undefined,
    });
    const filter = ldk.Option_FilterZ.constructor_none();
    this.#chainMonitor = ldk.ChainMonitor.constructor_new(filter, broadcaster, logger, fees, persist);
    const watch = this.#chainMonitor.as_Watch();
    const silent = ldk.Logger.new_impl({ log: () => undefined });
    const graph = (emptyGraph ??= ldk.NetworkGraph.constructor_new(NETWORK, silent)); // keeps `silent`
    const decay = ldk.ProbabilisticScoringDecayParameters.constructor_default();
    const scorer = ldk.ProbabilisticScorer.constructor_new(decay, graph, logger);
    const lock = ldk.MultiThreadedLockableScore.constructor_new(scorer.as_Score());
    const scoring = ldk.ProbabilisticScoringFeeParameters.constructor_default();
    const router = ldk.DefaultRouter.constructor_new(graph, logger, entropy, lock.as_LockableScore(), scoring);
    const route = router.as_Router();
    const messageRouter = ldk.DefaultMessageRouter.constructor_new(graph, entropy);
    const messageRoute = messageRouter.as_MessageRouter();
    const config = settings();
    const saved = store.readState('manager');
    const restored: object[] = [];
    if (saved === undefined) {
      const chain = ldk.ChainParameters.constructor_new(NETWORK, ldk.BestBlock.constructor_from_network(NETWORK));
      this.manager = ldk.ChannelManager.constructor_new(
        fees, watch, broadcaster, route, messageRoute, logger, entropy, signer, signers, config, chain, this.#timeS,
      ); // prettier-ignore
    } else {
      const monitors = store.readMonitors().map(({ data, updates }) => {
        const read = ldk.UtilMethods.constructor_C2Tuple_ThirtyTwoBytesChannelMonitorZ_read(data, entropy, signers);
        if (!(read instanceof ldk.Result_C2Tuple_ThirtyTwoBytesChannelMonitorZDecodeErrorZ_OK)) {
          throw new Error('a channel monitor on disk cannot be read');
        }
        const monitor = read.res.get_b();
        for (const update of updates) {
          if (update.updateId <= monitor.get_latest_update_id()) continue;
          const change = ldk.ChannelMonitorUpdate.constructor_read(update.data);
          const applied =
            change instanceof ldk.Result_ChannelMonitorUpdateDecodeErrorZ_OK &&
            monitor.update_monitor(change.res, broadcaster, fees, logger).is_ok();
          if (!applied) throw new Error(`monitor update ${update.updateId} on disk cannot be applied`);
        }
        return monitor;
      });
      const read = ldk.UtilMethods.constructor_C2Tuple_ThirtyTwoBytesChannelManagerZ_read(
        saved, entropy, signer, signers, fees, watch, broadcaster, route, messageRoute, logger, config, monitors,
      ); // prettier-ignore
      if (!(read instanceof ldk.Result_C2Tuple_ThirtyTwoBytesChannelManagerZDecodeErrorZ_OK)) {
        throw new Error('the channel manager on disk cannot be read');
      }
      this.manager = read.res.get_b();
      this.#timeS = 0; // LDK's is the one it was saved with
      restored.push(read, ...monitors);
      // Before any other call on the manager.
      for (const monitor of monitors) {
        if (!watch.watch_channel(monitor.get_funding_txo().get_a(), monitor).is_ok()) {
          throw new Error('a channel cannot be watched');
        }
      }
    }
    this.nodeId = hex(this.manager.get_our_node_id());
    const ignoring = ldk.IgnoringMessageHandler.constructor_new();
    const handlers = [
      this.manager.as_ChannelMessageHandler(),
      ignoring.as_RoutingMessageHandler(),
      ignoring.as_OnionMessageHandler(),
    ] as const;
    const random = entropy.get_secure_random_bytes();
    this.peers = ldk.PeerManager.constructor_new(...handlers, messages, this.#timeS, random, logger, signer);
    this.#confirm = this.manager.as_Confirm();
    this.#monitorConfirm = this.#chainMonitor.as_Confirm();
    const handled = ldk.Result_NoneReplayEventZ.constructor_ok();
    this.#events = ldk.EventHandler.new_impl({
      handle_event: (event) => {
        this.#queue.push(event);
        return handled;
      },
    });
    this.#providers = [this.manager.as_EventsProvider(), this.#chainMonitor.as_EventsProvider()];
    // prettier-ignore
    this.#held = [
      keys, entropy, signer, signers, fees, logger, broadcaster, persist, watch, graph, scorer, lock, router, route, messageRouter,
      messageRoute, config, ignoring, handlers, messages, handled, ...restored,
    ];
  }

  /** Brings LDK's time to ours, for invoices and their expiry. Returns its time: it never goes back. */
  tellTime(): number {
    const nowS = Math.floor(Date.now() / 1000);
    if (nowS > this.#timeS) {
      this.#timeS = nowS;
      this.#confirm.best_block_updated(playHeader(nowS), this.height);
    }
    return this.#timeS;
  }

  get height(): number {
    return this.manager.current_best_block().get_height();
  }

  /** Adds empty blocks to the made-up chain. */
  mine(blocks: number): void {
    const [header, height] = [playHeader(Math.max(this.#timeS, Math.floor(Date.now() / 1000))), this.height + blocks];
    this.#confirm.best_block_updated(header, height);
    this.#monitorConfirm.best_block_updated(header, height);
  }

  /** LDK's events since the last call. They count as handled once returned: what they cause must be in the same transaction. */
  takeEvents(): ldk.Event[] {
    for (const provider of this.#providers) provider.process_pending_events(this.#events);
    forget(...this.#providers, this.manager, this.peers);
    const events = this.#queue;
    this.#queue = [];
    return events;
  }

  /** Writes what changed since the last save. */
  save(store: Store): void {
    const changed = this.manager.get_and_clear_needs_persistence();
    if (!changed && this.#monitors.size === 0) return;
    for (const [channel, change] of this.#monitors) store.writeMonitor(channel, change);
    this.#monitors.clear();
    store.writeState('manager', this.manager.write());
  }

  retire(): void {
    closed.push(this, this.#held);
  }

  #keepMonitor(channel: string, update: ldk.ChannelMonitorUpdate | undefined, monitor: ldk.ChannelMonitor): void {
    const since = (this.#sinceWhole.get(channel) ?? UPDATES_PER_MONITOR) + 1;
    const whole = update === undefined || since > UPDATES_PER_MONITOR;
    this.#sinceWhole.set(channel, whole ? 0 : since);
    if (whole) {
      const latest = { data: monitor.write(), updateId: monitor.get_latest_update_id() };
      this.#monitors.set(channel, { whole: latest, updates: [] });
      return;
    }
    const change = this.#monitors.get(channel) ?? { updates: [] };
    change.updates.push({ updateId: update.get_update_id(), data: update.write() });
    this.#monitors.set(channel, change);
  }
}
