import type { Logger } from 'pino';
import type { BackendPool } from '../backend/pool.ts';
import type { Clock } from '../clock/clock.ts';
import type { Config } from '../config/config.ts';
import { Engine } from '../engine/engine.ts';
import { Invoicing } from '../engine/invoicing.ts';
import { findUnbooked } from '../engine/old-books.ts';
import { performEffects } from '../engine/perform.ts';
import { recover } from '../engine/recovery.ts';
import { Runner } from '../engine/runner.ts';
import { Sweeper } from '../engine/sweeper.ts';
import type { Counting } from '../estimating/counting.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { LightningNode, NodeId } from '../lightning/lightning.ts';
import type { RateSource } from '../rates/rate-source.ts';
import { Session } from '../session/session.ts';
import type { Spool } from '../spool/spool.ts';
import { Admission } from '../storefront/admission/admission.ts';
import { KnownPeers } from '../storefront/admission/known-peers.ts';
import { Warming } from '../storefront/admission/warming.ts';
import { Delivery } from '../storefront/lcp/delivery.ts';
import { Intake } from '../storefront/lcp/intake.ts';
import { LcpStorefront } from '../storefront/lcp/lcp-storefront.ts';
import { ourManifest } from '../storefront/lcp/manifest.ts';
import type { PriceOffer } from '../storefront/price-offer.ts';
import { ChannelWatch } from './channel-watch.ts';
import { allowedBy, createOffer } from './offer.ts';
import type { PriceSettings } from './offer.ts';
import { saleLog } from './sale-log.ts';
import { learnFromRun, rememberTrade } from './trade-memory.ts';

/** The part of the configuration that says how to sell. */
export type SellerSettings = Pick<
  Config,
  | 'enabled'
  | 'quoteTtlSeconds'
  | 'minPriceMsat'
  | 'pricing'
  | 'llm'
  | 'payment'
  | 'peers'
  | 'limits'
  | 'deadlines'
  | 'spool'
>;

export interface SellerParts {
  readonly settings: SellerSettings;
  readonly node: LightningNode;
  readonly ledger: Ledger;
  readonly spool: Spool;
  readonly pool: BackendPool;
  readonly counting: Counting;
  /** Absent: nothing is priced in another currency. */
  readonly rates?: RateSource;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onFatal: (error: Error) => void;
}

export interface Seller {
  /** Sells by other prices from now on, and tells who has to know; quotes that went out stay as they are. */
  reprice(settings: PriceSettings): void;
  readonly engine: Engine;
  readonly session: Session;
  readonly intake: Intake;
  readonly admission: Admission;
  readonly offer: PriceOffer;
  readonly sweeper: Sweeper;
  /** Takes up what the last process left, and only then lets the node tell of payments and peers. */
  start(): Promise<void>;
  /** Stops everything that moves by itself; the parts that were handed in stay open. */
  stop(): void;
}

/** How long a run is taken to be before the first one has ended: a wrong guess costs a wait, or credit. */
const FIRST_RUN_GUESS_MS = 10_000;

/** Says so when the node knows more sales than the books. */
async function warnOfOldBooks({ node, ledger, clock, log }: SellerParts): Promise<void> {
  try {
    const { invoices, settled, receivedMsat } = await findUnbooked(node, ledger, clock.nowMs());
    if (invoices === 0) return;
    log.error(
      { invoices, settled, received_msat: receivedMsat.toString() },
      'this node has invoices of lcp-provider that are not in these books: the ledger is an old copy (restore the newest: what buyers paid since is not in this one), or another provider shares the node',
    );
  } catch (error) {
    log.warn({ reason: String(error) }, 'whether the books are complete could not be checked');
  }
}

/** Puts the rooms together that sell, on parts that are open already: real ones in the product, others in tests and simulation. */
export function createSeller(parts: SellerParts): Seller {
  const { settings, node, ledger, spool, pool, counting, rates, clock, log, onFatal } = parts;
  const { limits, deadlines } = settings;
  const maxJobBytes = limits.maxInputBytes + limits.maxOutputBytes;
  const { maxOutputBytes } = limits;
  const { maxBacklogBytes } = settings.spool;
  const inMs = {
    holdMs: settings.payment.holdSeconds * 1000,
    queueMs: deadlines.queueSeconds * 1000,
    totalMs: deadlines.totalSeconds * 1000,
    retentionMs: deadlines.retentionSeconds * 1000,
  };
  const engine = new Engine({ ledger, clock, deadlines: inMs, log, onFatal });
  const { offer, reprice } = createOffer({
    ...parts,
    jobsUnderWay: () => engine.paidJobs,
  });
  const peers = new KnownPeers(settings.peers);
  const sells = (peer: NodeId): boolean => peers.isServed(peer);
  const session = new Session({
    node,
    clock,
    log,
    store: {
      load: (peer) => ledger.manifests(peer),
      save: (peer, type, payload) => ledger.saveManifest(peer, type, payload),
    },
    ourManifest: (version, peer) => ourManifest(version, offer, { ...limits, maxJobBytes }, sells(peer)),
    isDenied: (peer) => peers.isDenied(peer),
  });
  const invoicing = new Invoicing(engine, node, clock, log);
  const delivery = new Delivery({ session, engine, spool, clock, log, maxMessageBytes: node.maxMessageBytes });
  const sweeper = new Sweeper({ engine, ledger, spool, clock, log, retentionMs: inMs.retentionMs });
  const admission = new Admission({
    clock,
    peers,
    jobs: () => engine.liveJobs(),
    queue: (model) => pool.queue(model),
    backendModel: (name) => offer.backendModel(name),
    spoolUsedBytes: () => spool.usedBytes(),
    limits: {
      ...limits,
      spoolBytes: settings.spool.maxBytes,
      longestWaitMs: Math.min(limits.longestWaitSeconds * 1000, inMs.queueMs),
      firstRunMs: Math.min(FIRST_RUN_GUESS_MS, deadlines.totalSeconds * 1000),
      longestRunMs: inMs.totalMs,
    },
  });
  const jobs = () => engine.liveJobs();
  const warming = settings.llm.coldModels === 'warm' ? new Warming({ clock, pool, admission, peers, jobs }) : undefined;
  engine.watch((before, after) => admission.jobChanged(before, after));
  engine.watch(saleLog(log));
  engine.watch(learnFromRun(counting));
  const channelWatch = new ChannelWatch({ node, clock, log, peers, onServedChanged: (who) => session.announce(who) });
  const intake = new Intake({
    session,
    engine,
    offer,
    clock,
    log,
    admission,
    warming,
    makeSpoolRoom: (isShort) => sweeper.makeRoom(isShort),
    inputTimeoutMs: deadlines.inputSeconds * 1000,
    quoteTtlS: settings.quoteTtlSeconds,
    maxInputBytes: limits.maxInputBytes,
    maxOutputBytes,
    maxJobBytes,
  });
  const storefront = new LcpStorefront({ session, engine, intake, delivery, log });
  const runner = new Runner({
    engine,
    clock,
    ledger,
    pool,
    spool,
    storefront,
    log,
    maxOutputBytes,
    maxBacklogBytes,
    allowed: allowedBy(settings),
  });
  engine.connect(performEffects({ invoicing, runner, storefront, ledger, spool, log }));
  session.addRole(storefront);
  session.listen();
  const stopListening = invoicing.listen();
  const onSale = (): string => JSON.stringify(offer.taskKinds.map((taskKind) => offer.models(taskKind)));
  let announced = '';
  let watches: (() => void)[] = [];
  const closing = new AbortController();
  const announceChange = (): void => {
    const now = onSale();
    if (now !== announced && !closing.signal.aborted) session.announce();
    announced = now;
  };
  const offerAgain = (): void => {
    offer.prepareCounting(closing.signal).then(announceChange, (error: unknown) => {
      if (!closing.signal.aborted) log.error({ reason: String(error) }, 'the estimators could not be prepared');
    });
    announceChange();
  };
  return {
    reprice: (next) => {
      reprice(next);
      offerAgain();
    },
    engine,
    session,
    intake,
    admission,
    offer,
    sweeper,
    start: async () => {
      await rememberTrade(ledger, admission, peers, counting);
      const recovered = await recover(engine, ledger, spool);
      if (recovered.jobs > 0) log.info(recovered, 'unfinished jobs of the last run taken up again');
      announced = onSale();
      offerAgain();
      watches = [pool.onModelsChanged(offerAgain), ...(rates ? [rates.onChanged(offerAgain)] : [])];
      await node.start(await ledger.cursor());
      channelWatch.start();
      await warnOfOldBooks(parts);
      sweeper.start();
    },
    stop: () => {
      sweeper.stop();
      channelWatch.stop();
      closing.abort();
      for (const stop of watches) stop();
      stopListening();
      session.close();
      runner.close();
      delivery.close();
      engine.close();
    },
  };
}
