import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { BackendPool } from '../backend/pool.ts';
import { createPool } from '../backend/queueing-pool.ts';
import { systemClock } from '../clock/clock.ts';
import type { Config } from '../config/config.ts';
import { Engine } from '../engine/engine.ts';
import { Invoicing } from '../engine/invoicing.ts';
import { performEffects } from '../engine/perform.ts';
import { recover } from '../engine/recovery.ts';
import { Runner } from '../engine/runner.ts';
import { Sweeper } from '../engine/sweeper.ts';
import type { LightningNode } from '../lightning/lightning.ts';
import { openSqliteLedger } from '../ledger/sqlite-ledger.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Health } from '../operator/health.ts';
import { Session } from '../session/session.ts';
import { openDiskSpool } from '../spool/disk-spool.ts';
import { Delivery } from '../storefront/lcp/delivery.ts';
import { Intake } from '../storefront/lcp/intake.ts';
import { LcpStorefront } from '../storefront/lcp/lcp-storefront.ts';
import { ourManifest } from '../storefront/lcp/manifest.ts';
import { PriceOffer } from '../storefront/price-offer.ts';
import { openBackends } from './backends.ts';
import { closeEstimators, openEstimators } from './estimators.ts';
import type { OpenedNode } from './lightning-node.ts';

export interface ProviderNode {
  readonly node: LightningNode;
  readonly ledger: Ledger;
  readonly pool: BackendPool;
  health(): Health;
  /** No new quotes; resolves when every paid job has ended, or after `limitMs`. */
  drain(limitMs: number): Promise<void>;
  close(): Promise<void>;
}

export interface ProviderParts {
  readonly config: Config;
  readonly lightning: OpenedNode;
  readonly log: Logger;
  readonly onFatal: (error: Error) => void;
}

/**
 * Puts a seller together and starts it: ledger and spool are opened, what the last process left is recovered, and only then the node may tell
 * of payments and peers.
 */
export async function startProvider({ config, lightning, log, onFatal }: ProviderParts): Promise<ProviderNode> {
  const clock = systemClock;
  const { node } = lightning;
  const { limits, deadlines, spool: spoolLimits } = config;
  await mkdir(config.dataDirectory, { recursive: true, mode: 0o700 });
  const ledger = await openSqliteLedger({ path: join(config.dataDirectory, 'ledger.sqlite'), clock });
  const spool = await openDiskSpool({ directory: join(config.dataDirectory, 'spool'), maxBytes: spoolLimits.maxBytes });
  const pool = createPool({ members: openBackends(config, clock), clock, maxQueueLength: limits.queueLength, log });
  const estimators = openEstimators(clock);
  const engineDeadlines = {
    queueMs: deadlines.queueSeconds * 1000,
    totalMs: deadlines.totalSeconds * 1000,
    retentionMs: deadlines.retentionSeconds * 1000,
  };
  const engine = new Engine({ ledger, clock, deadlines: engineDeadlines, log, onFatal });
  const maxJobBytes = limits.maxInputBytes + limits.maxOutputBytes;
  const { lists, inFlightSurge } = config.pricing;
  const offer = new PriceOffer({
    pool,
    estimators,
    lists,
    minPriceMsat: config.minPriceMsat,
    maxOutputTokens: config.llm.maxOutputTokens,
    maxChoices: limits.maxChoices,
    ...(inFlightSurge === undefined ? {} : { load: inFlightSurge }),
    jobsUnderWay: () => engine.underWay,
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
  const runner = new Runner({
    engine,
    ledger,
    pool,
    spool,
    log,
    maxOutputBytes: limits.maxOutputBytes,
    maxBacklogBytes: spoolLimits.maxBacklogBytes,
  });
  const delivery = new Delivery({ session, engine, spool, clock, log, maxMessageBytes: node.maxMessageBytes });
  const intake = new Intake({
    session,
    engine,
    offer,
    clock,
    log,
    jobsUnderWay: () => engine.underWay,
    inputTimeoutMs: deadlines.inputSeconds * 1000,
    quoteTtlS: config.quoteTtlSeconds,
    limits: {
      perPeer: limits.openInputsPerPeer,
      total: 4 * limits.openInputsPerPeer,
      totalBytes: limits.inputMemoryBytes,
      maxInputBytes: limits.maxInputBytes,
      maxJobBytes,
      maxInflightJobs: limits.maxInflightJobs,
    },
  });
  if (!config.enabled) intake.close();
  const storefront = new LcpStorefront({ session, engine, intake, delivery, log });
  engine.connect(performEffects({ invoicing, runner, storefront, ledger, spool, log }));
  const sweeper = new Sweeper({ engine, ledger, clock, log, retentionMs: engineDeadlines.retentionMs });

  session.addRole(storefront);
  session.listen();
  let isUp = false;
  let isDraining = false;
  node.listen({ up: () => void (isUp = true), down: () => void (isUp = false) });
  invoicing.listen();
  await pool.start();
  pool.onModelsChanged(() => session.announce());
  const recovered = await recover(engine, ledger, spool);
  if (recovered.jobs > 0) log.info(recovered, 'unfinished jobs of the last run taken up again');
  await node.start(await ledger.cursor());
  sweeper.start();
  log.info({ node_id: node.nodeId, driver: lightning.driver, models: offer.models() }, 'provider started');

  return {
    node,
    ledger,
    pool,
    health: () => {
      const jobs = engine.liveJobs();
      return {
        status: isDraining ? 'draining' : isUp && offer.models().length > 0 ? 'ok' : 'degraded',
        lightning: { driver: lightning.driver, nodeId: node.nodeId, isUp, peersOnline: session.onlinePeers().length },
        models: offer.models(),
        jobs: {
          requests: intake.size,
          open: jobs.filter((job) => job.funding === 'open').length,
          paid: jobs.filter((job) => job.funding === 'funded').length,
        },
        backends: { running: pool.running(), waiting: pool.waiting() },
      };
    },
    drain: async (limitMs) => {
      isDraining = true;
      intake.close();
      const late = Promise.withResolvers<void>();
      const stop = clock.timer(limitMs, late.resolve);
      await Promise.race([engine.whenPaidJobsAreDone(), late.promise]);
      stop();
    },
    close: async () => {
      sweeper.stop();
      session.close();
      runner.close();
      delivery.close();
      engine.close();
      await node.close();
      await pool.close();
      await closeEstimators(estimators);
      await spool.close();
      await ledger.close();
    },
  };
}
