import type { Logger } from 'pino';
import type { BackendPool } from '../backend/pool.ts';
import type { Clock } from '../clock/clock.ts';
import type { Config } from '../config/config.ts';
import { Engine } from '../engine/engine.ts';
import { Invoicing } from '../engine/invoicing.ts';
import { performEffects } from '../engine/perform.ts';
import { recover } from '../engine/recovery.ts';
import { Runner } from '../engine/runner.ts';
import { Sweeper } from '../engine/sweeper.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { LightningNode } from '../lightning/lightning.ts';
import { Session } from '../session/session.ts';
import type { Spool } from '../spool/spool.ts';
import { Delivery } from '../storefront/lcp/delivery.ts';
import { Intake } from '../storefront/lcp/intake.ts';
import { LcpStorefront } from '../storefront/lcp/lcp-storefront.ts';
import { ourManifest } from '../storefront/lcp/manifest.ts';
import { PriceOffer } from '../storefront/price-offer.ts';
import type { Estimators } from './estimators.ts';

/** The part of the configuration that says how to sell. */
export type SellerSettings = Pick<
  Config,
  'enabled' | 'quoteTtlSeconds' | 'minPriceMsat' | 'pricing' | 'llm' | 'limits' | 'deadlines' | 'spool'
>;

export interface SellerParts {
  readonly settings: SellerSettings;
  readonly node: LightningNode;
  readonly ledger: Ledger;
  readonly spool: Spool;
  readonly pool: BackendPool;
  readonly estimators: Estimators;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onFatal: (error: Error) => void;
}

export interface Seller {
  readonly engine: Engine;
  readonly session: Session;
  readonly intake: Intake;
  readonly offer: PriceOffer;
  readonly sweeper: Sweeper;
  /** Takes up what the last process left, and only then lets the node tell of payments and peers. */
  start(): Promise<void>;
  /** Stops everything that moves by itself; the parts that were handed in stay open. */
  stop(): void;
}

/** Puts the rooms together that sell, on parts that are open already: real ones in the product, others in tests and simulation. */
export function createSeller(parts: SellerParts): Seller {
  const { settings, node, ledger, spool, pool, estimators, clock, log, onFatal } = parts;
  const { limits, deadlines, pricing } = settings;
  const maxJobBytes = limits.maxInputBytes + limits.maxOutputBytes;
  const { maxOutputBytes } = limits;
  const { maxBacklogBytes } = settings.spool;
  const inMs = {
    queueMs: deadlines.queueSeconds * 1000,
    totalMs: deadlines.totalSeconds * 1000,
    retentionMs: deadlines.retentionSeconds * 1000,
  };
  const allowed = {
    allowedFields: settings.llm.allowedRequestFields,
    allowedToolTypes: settings.llm.allowedToolTypes,
  };
  const engine = new Engine({ ledger, clock, deadlines: inMs, log, onFatal });
  const offer = new PriceOffer({
    pool,
    estimators,
    lists: settings.enabled ? pricing.lists : [], // disabled: nothing is for sale, and buyers are told so
    minPriceMsat: settings.minPriceMsat,
    maxOutputTokens: settings.llm.maxOutputTokens,
    maxChoices: limits.maxChoices,
    allowed,
    ...(pricing.inFlightSurge === undefined ? {} : { load: pricing.inFlightSurge }),
    paidJobs: () => engine.count().paid,
  });
  const session = new Session({
    node,
    clock,
    log,
    store: {
      load: (peer) => ledger.manifests(peer),
      save: (peer, type, payload) => ledger.saveManifest(peer, type, payload),
    },
    ourManifest: (version) => ourManifest(version, offer, { ...limits, maxJobBytes }),
  });
  const invoicing = new Invoicing(engine, node, clock, log);
  const runner = new Runner({ engine, ledger, pool, spool, log, maxOutputBytes, maxBacklogBytes, allowed });
  const delivery = new Delivery({ session, engine, spool, clock, log, maxMessageBytes: node.maxMessageBytes });
  const intake = new Intake({
    session,
    engine,
    offer,
    clock,
    log,
    paidJobsWaiting: () => pool.waiting(),
    hasRoomFor: (answers) => spool.usedBytes() + answers * maxOutputBytes <= settings.spool.maxBytes,
    inputTimeoutMs: deadlines.inputSeconds * 1000,
    quoteTtlS: settings.quoteTtlSeconds,
    limits: {
      perPeer: limits.openInputsPerPeer,
      total: 4 * limits.openInputsPerPeer,
      totalBytes: limits.inputMemoryBytes,
      maxInputBytes: limits.maxInputBytes,
      maxJobBytes,
      maxInflightJobs: limits.maxInflightJobs,
      queueLength: limits.queueLength,
    },
  });
  const storefront = new LcpStorefront({ session, engine, intake, delivery, log });
  engine.connect(performEffects({ invoicing, runner, storefront, ledger, spool, log }));
  const sweeper = new Sweeper({ engine, ledger, clock, log, retentionMs: inMs.retentionMs });
  session.addRole(storefront);
  session.listen();
  const stopListening = invoicing.listen();
  return {
    engine,
    session,
    intake,
    offer,
    sweeper,
    start: async () => {
      const recovered = await recover(engine, ledger, spool);
      if (recovered.jobs > 0) log.info(recovered, 'unfinished jobs of the last run taken up again');
      await node.start(await ledger.cursor());
      sweeper.start();
    },
    stop: () => {
      sweeper.stop();
      stopListening();
      session.close();
      runner.close();
      delivery.close();
      engine.close();
    },
  };
}
