import { join } from 'node:path';
import type { Logger } from 'pino';
import { createPool } from '../../src/backend/queueing-pool.ts';
import type { BackendPool } from '../../src/backend/pool.ts';
import type { Engine } from '../../src/engine/engine.ts';
import type { Sweeper } from '../../src/engine/sweeper.ts';
import { openSqliteLedger } from '../../src/ledger/sqlite-ledger.ts';
import type { SqliteLedger } from '../../src/ledger/sqlite-ledger.ts';
import { msat } from '../../src/money/msat.ts';
import { openCounting } from '../../src/node/counting.ts';
import { createSeller } from '../../src/node/seller.ts';
import type { SellerSettings } from '../../src/node/seller.ts';
import type { Session } from '../../src/session/session.ts';
import { openDiskSpool } from '../../src/spool/disk-spool.ts';
import type { Spool } from '../../src/spool/spool.ts';
import type { Admission } from '../../src/storefront/admission/admission.ts';
import type { Intake } from '../../src/storefront/lcp/intake.ts';
import type { FakeNetwork } from './fake-network.ts';
import type { FakeNode } from './fake-node.ts';
import { mortalClock } from './manual-clock.ts';
import type { ManualClock } from './manual-clock.ts';
import { mortal } from './mortal.ts';
import type { Life } from './mortal.ts';
import { EMBEDDER, MODEL } from './scripted-backend.ts';
import type { ScriptedBackend } from './scripted-backend.ts';
import type { HoursSettings } from '../../src/pricing/hours-rule.ts';
import type { LoadSettings } from '../../src/pricing/load-rule.ts';
import type { PaymentMode, PriceEntry } from '../../src/pricing/price-list.ts';
import type { RateSource } from '../../src/rates/rate-source.ts';
import { silentLog } from './silent-log.ts';

export const LIMITS = {
  maxPayloadBytes: 16_384,
  maxInputBytes: 100_000,
  maxOutputBytes: 1_000_000,
  maxInflightJobs: 16,
  keptForTrustedPercent: 50,
  requestsPerMinutePerPeer: 600,
  requestsPerMinute: 6_000,
  countingSecondsPerMinutePerPeer: 10,
  countingSecondsPerMinute: 30,
  modelLoadsPerMinutePerPeer: 2,
  modelLoadsPerMinute: 6,
  openInputsPerPeer: 8,
  openInputs: 32,
  inputMemoryBytesPerPeer: 250_000,
  inputMemoryBytes: 250_000,
  openQuotesPerPeer: 8,
  openQuotes: 32,
  queueLength: 8,
  longestWaitSeconds: 300,
};
export const DEADLINES = {
  inputMs: 60_000,
  holdMs: 120_000,
  queueMs: 300_000,
  totalMs: 600_000,
  retentionMs: 86_400_000,
  quoteTtlS: 300,
};
/** 1,000 msat for a token of input, 10,000 for one of output. */
export const PRICES = {
  inputMsatPerMtok: msat(1_000_000_000n),
  outputMsatPerMtok: msat(10_000_000_000n),
  requestMsat: msat(0n),
};
export const MAX_OUTPUT_TOKENS = 100;
const SPOOL_BYTES = 10_000_000;

const settingsWith = (
  limits: typeof LIMITS,
  {
    peers,
    promisedSpoolBytes = SPOOL_BYTES,
    backlogBytes = 1 << 20,
    paymentMode = 'upfront',
    inFlightSurge,
    coldModels = 'warm',
    hours,
    entries = [`${MODEL}*`, EMBEDDER].map((pattern) => ({ pattern, price: PRICES })),
  }: Pick<
    SellerOptions,
    | 'peers'
    | 'promisedSpoolBytes'
    | 'backlogBytes'
    | 'paymentMode'
    | 'inFlightSurge'
    | 'coldModels'
    | 'hours'
    | 'entries'
  >,
): SellerSettings => ({
  enabled: true,
  quoteTtlSeconds: DEADLINES.quoteTtlS,
  minPriceMsat: msat(1000n),
  pricing: {
    lists: [{ file: 'test', entries }],
    ...(inFlightSurge && { inFlightSurge }),
    ...(hours && { hours }),
  },
  llm: {
    maxOutputTokens: MAX_OUTPUT_TOKENS,
    estimators: [{ name: 'bytes' }],
    coldModels,
    allowedRequestFields: [],
    allowedToolTypes: [],
  },
  payment: { mode: paymentMode, holdSeconds: DEADLINES.holdMs / 1000 },
  peers: { allow: [], deny: [], channelOnly: false, ...peers },
  limits: { ...limits, maxChoices: 4 },
  deadlines: {
    inputSeconds: DEADLINES.inputMs / 1000,
    queueSeconds: DEADLINES.queueMs / 1000,
    firstByteSeconds: 60,
    idleSeconds: 60,
    totalSeconds: DEADLINES.totalMs / 1000,
    retentionSeconds: DEADLINES.retentionMs / 1000,
    drainSeconds: 60,
  },
  spool: { maxBytes: promisedSpoolBytes, maxBacklogBytes: backlogBytes },
});

export interface SellerOptions {
  readonly network: FakeNetwork;
  readonly clock: ManualClock;
  /** Where ledger and spool are; the same again after a crash. */
  readonly directory: string;
  readonly backend: ScriptedBackend;
  readonly limits?: Partial<typeof LIMITS>;
  readonly slots?: number;
  readonly paymentMode?: PaymentMode;
  readonly inFlightSurge?: LoadSettings;
  readonly coldModels?: 'warm' | 'sell';
  readonly hours?: HoursSettings;
  /** Of the price list. Default: the model at PRICES. */
  readonly entries?: readonly PriceEntry[];
  readonly rates?: RateSource;
  /** What the disk takes, and what admission believes that it takes. */
  readonly spoolBytes?: number;
  readonly promisedSpoolBytes?: number;
  readonly backlogBytes?: number;
  readonly peers?: Partial<SellerSettings['peers']>;
  readonly log?: Logger;
  /** Called before each use of the ledger; may throw, wait, or end the process. */
  readonly onLedger?: (method: string, args: readonly unknown[]) => unknown;
}

/** The product's own seller on a fake node, with a clock driven by hand, and with a death that leaves nothing tidied up. */
export class Seller {
  readonly node: FakeNode;
  /** Not behind the mortal one: tests read it after a crash too. */
  readonly ledger: SqliteLedger;
  readonly spool: Spool;
  readonly fatal: Error[] = [];
  readonly #pool: BackendPool;
  readonly #parts: ReturnType<typeof createSeller>;
  readonly #stopClock: () => void;
  readonly #life: Life;

  private constructor(options: SellerOptions, opened: { ledger: SqliteLedger; spool: Spool; life: Life }) {
    const { network, backend, log = silentLog, slots = 4 } = options;
    const limits = { ...LIMITS, ...options.limits };
    this.ledger = opened.ledger;
    this.spool = opened.spool;
    this.#life = opened.life;
    const life = opened.life;
    const ledger = mortal(opened.ledger, life, options.onLedger);
    const spool = mortal(opened.spool, life);
    const clock = mortalClock(options.clock);
    const node = (this.node = network.open('seller'));
    const pool = (this.#pool = createPool({
      members: [{ backend, slots }],
      clock,
      maxQueueLength: limits.queueLength,
    }));
    this.#parts = createSeller({
      settings: settingsWith(limits, options),
      node,
      ledger,
      spool,
      pool,
      counting: openCounting({ backends: [], clock, log: silentLog }),
      ...(options.rates && { rates: options.rates }),
      clock,
      log,
      onFatal: (error) => this.fatal.push(error),
    });
    this.#stopClock = () => clock.stop();
  }

  get engine(): Engine {
    return this.#parts.engine;
  }

  get intake(): Intake {
    return this.#parts.intake;
  }

  get admission(): Admission {
    return this.#parts.admission;
  }

  get session(): Session {
    return this.#parts.session;
  }

  get pool(): BackendPool {
    return this.#pool;
  }

  /** Other prices from now on. */
  reprice(options: Pick<SellerOptions, 'entries'>): void {
    this.#parts.reprice(settingsWith(LIMITS, options));
  }

  get sweeper(): Sweeper {
    return this.#parts.sweeper;
  }

  static async open(options: SellerOptions): Promise<Seller> {
    const ledger = await openSqliteLedger({ path: join(options.directory, 'ledger.sqlite'), clock: options.clock });
    const spool = await openDiskSpool({
      directory: join(options.directory, 'spool'),
      maxBytes: options.spoolBytes ?? SPOOL_BYTES,
    });
    const seller = new Seller(options, { ledger, spool, life: { isOver: false } });
    await seller.#start();
    return seller;
  }

  get isDead(): boolean {
    return this.#life.isOver;
  }

  async #start(): Promise<void> {
    await this.#pool.start();
    await this.#parts.start();
  }

  /** The process is gone from this moment on: nothing is saved, sent or timed any more. May be called in the middle of anything. */
  kill(): void {
    this.#life.isOver = true;
    this.#stopClock();
    void this.node.close();
  }

  /** Kills it if it lives, and lets go of its files, so that another can open them. */
  async bury(): Promise<void> {
    this.kill();
    await this.spool.close();
    await this.ledger.close();
  }

  /** An orderly end without waiting for jobs. */
  async close(): Promise<void> {
    if (this.isDead) return;
    this.#parts.stop();
    this.#stopClock();
    await this.node.close();
    await this.#pool.close();
    await this.spool.close();
    await this.ledger.close();
    this.#life.isOver = true;
  }
}
