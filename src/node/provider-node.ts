import { mkdir } from 'node:fs/promises';
import type { Logger } from 'pino';
import { createPool } from '../backend/queueing-pool.ts';
import { systemClock } from '../clock/clock.ts';
import type { Config } from '../config/config.ts';
import { LedgerError } from '../ledger/ledger.ts';
import { openSqliteLedger } from '../ledger/sqlite-ledger.ts';
import { checkAloud } from '../operator/check-aloud.ts';
import type { Health } from '../operator/health.ts';
import { openDiskSpool } from '../spool/disk-spool.ts';
import { openBackends } from './backends.ts';
import { ledgerPath, spoolPath } from './data-directory.ts';
import { openCounting } from './counting.ts';
import type { OpenedNode } from './lightning-node.ts';
import type { PriceSettings } from './offer.ts';
import { openRates } from './rates.ts';
import { createSeller } from './seller.ts';

/** How often a long check of the books says how far it is. */
const CHECK_PROGRESS_MS = 5_000;

export interface ProviderNode {
  /** Sells by other prices from now on; quotes that went out stay as they are. */
  reprice(settings: PriceSettings): void;
  health(): Health;
  /** No new quotes; resolves when every paid job has ended, or after `limitMs`. */
  drain(limitMs: number): Promise<void>;
  close(): Promise<void>;
}

export interface ProviderParts {
  readonly config: Config;
  readonly lightning: OpenedNode;
  readonly log: Logger;
  /** The ledger cannot be written any more: the process must end. */
  readonly onFatal: (error: Error) => void;
}

/** Opens everything that the configuration names, puts a seller on it, and starts it. */
export async function startProvider({ config, lightning, log, onFatal }: ProviderParts): Promise<ProviderNode> {
  const clock = systemClock;
  const { node } = lightning;
  const { dataDirectory } = config;
  await mkdir(dataDirectory, { recursive: true, mode: 0o700 });
  const ledger = await openSqliteLedger({ path: ledgerPath(dataDirectory), clock });
  const { problems } = await checkAloud(ledger, clock, CHECK_PROGRESS_MS, (how) =>
    log.info(`checking the books before anything is sold: ${how}`),
  );
  if (problems.length > 0)
    throw new LedgerError('corrupt', `the books are wrong, so nothing is sold: ${problems.join('; ')}`);
  const spool = await openDiskSpool({ directory: spoolPath(dataDirectory), maxBytes: config.spool.maxBytes });
  const pool = createPool({ members: openBackends(config, clock), clock, maxQueueLength: Infinity, log });
  const counting = openCounting({ backends: config.backends, clock, log });
  const rates = openRates(config.pricing.rate, clock, log);
  const seller = createSeller({
    settings: config,
    node,
    ledger,
    spool,
    pool,
    counting,
    ...(rates && { rates }),
    clock,
    log,
    onFatal,
  });
  const { engine, session, intake, admission, offer } = seller;
  let isUp = false;
  let isDraining = false;
  node.listen({ up: () => void (isUp = true), down: () => void (isUp = false) });
  await Promise.all([pool.start(), rates?.start()]);
  await seller.start();
  log.info({ node_id: node.nodeId, driver: lightning.driver, models: offer.models() }, 'provider started');

  return {
    reprice: (settings) => seller.reprice(settings),
    health: () => {
      const jobs = engine.liveJobs();
      return {
        status: isDraining ? 'draining' : isUp && offer.models().length > 0 ? 'ok' : 'degraded',
        lightning: { driver: lightning.driver, nodeId: node.nodeId, isUp, peersOnline: session.onlinePeers().length },
        models: offer.models(),
        jobs: {
          requests: intake.size,
          open: jobs.filter((job) => job.funding === 'open').length,
          paid: engine.paidJobs,
        },
        counting: counting.figures(),
        backends: { running: pool.running(), waiting: pool.waiting() },
      };
    },
    drain: async (limitMs) => {
      isDraining = true;
      admission.close();
      const late = Promise.withResolvers<void>();
      const stop = clock.timer(limitMs, late.resolve);
      await Promise.race([engine.whenPaidJobsAreDone(), late.promise]);
      stop();
    },
    close: async () => {
      seller.stop();
      rates?.close();
      await node.close();
      await pool.close();
      await counting.close();
      await spool.close();
      await ledger.close();
    },
  };
}
