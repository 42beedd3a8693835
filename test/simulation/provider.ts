import type { Places } from '../../src/backend/places.ts';
import { createPool } from '../../src/backend/queueing-pool.ts';
import type { BackendPool } from '../../src/backend/pool.ts';
import { createBytesEstimator } from '../../src/estimating/bytes.ts';
import { Counting } from '../../src/estimating/counting.ts';
import type { SqliteLedger } from '../../src/ledger/sqlite-ledger.ts';
import { createSeller } from '../../src/node/seller.ts';
import type { Seller, SellerSettings } from '../../src/node/seller.ts';
import { openDiskSpool } from '../../src/spool/disk-spool.ts';
import type { Spool } from '../../src/spool/spool.ts';
import { Life } from './life.ts';
import type { Scene } from './scene.ts';
import { SimBackend } from './sim-backend.ts';
import { simLog } from './sim-log.ts';
import { SimNode } from './sim-node.ts';

const SPOOL_BYTES = 3_000_000;
/** As a service manager has it: who does not end when asked to is killed. */
const STOP_WITHIN_MS = 30_000;

/** The parts that one process opened. */
interface Opened {
  readonly seller: Seller;
  readonly node: SimNode;
  readonly pool: BackendPool;
  readonly spool: Spool;
  readonly ledger: SqliteLedger;
}

/** The provider as a service: one process at a time on the same durable things, started again whenever it ends. */
export class Provider {
  life: Life | undefined;
  /** Calls that the next processes live for, one after the other. */
  readonly dooms: number[] = [];
  /** How far the machine's clock is from the true time. */
  skewMs = 0;
  /** How far apart the times are that its clock ever showed: deadlines may be that much later. */
  clockRangeMs = 0;
  #skews = { least: 0, most: 0 };
  #opened: Opened | undefined;
  readonly #scene: Scene;
  readonly #settings: SellerSettings;

  constructor(scene: Scene, settings: SellerSettings) {
    this.#scene = scene;
    this.#settings = settings;
  }

  /** Of the process that runs; undefined while there is none that has come up. */
  get seller(): Seller | undefined {
    return this.#opened?.seller;
  }

  get node(): SimNode | undefined {
    return this.#opened?.node;
  }

  get pool(): BackendPool | undefined {
    return this.#opened?.pool;
  }

  start(): void {
    const { world } = this.#scene;
    const life = new Life(world, this.skewMs, (why) => this.#died(why));
    const doom = this.dooms.shift();
    if (doom !== undefined) life.doom(doom);
    this.life = life;
    world.say('process', 'starts');
    world.count('starts');
    this.#open(life).catch((error: unknown) => life.die(`could not start: ${String(error)}`));
  }

  kill(why: string): void {
    this.life?.die(why);
  }

  setSkew(skewMs: number): void {
    this.skewMs = skewMs;
    this.#skews = { least: Math.min(this.#skews.least, skewMs), most: Math.max(this.#skews.most, skewMs) };
    this.clockRangeMs = this.#skews.most - this.#skews.least;
    if (this.life !== undefined) this.life.skewMs = skewMs;
  }

  /** In order, as on SIGTERM: no new quotes, paid jobs end if they do in time, everything is closed. */
  async stop(drainMs: number): Promise<void> {
    const { life } = this;
    const opened = this.#opened;
    if (life === undefined || opened === undefined) return;
    life.world.say('process', 'is asked to end');
    this.#scene.world.after(drainMs + STOP_WITHIN_MS, () => life.die('did not end in time'));
    const { seller, node, pool, spool, ledger } = opened;
    seller.admission.close();
    const late = Promise.withResolvers<void>();
    life.clock.timer(drainMs, late.resolve);
    await Promise.race([seller.engine.whenPaidJobsAreDone(), late.promise]);
    seller.stop();
    await node.close();
    await pool.close();
    await spool.close();
    await ledger.close();
    life.die('ended in order');
  }

  #died(why: string): void {
    const { world } = this.#scene;
    world.say('process', why);
    this.#opened = undefined;
    this.life = undefined;
    world.after(world.random.spread(100, 60_000), () => this.start());
  }

  /** The order of the product's own start. */
  async #open(life: Life): Promise<void> {
    const { world, books, disk, account, mood, witness, habits, backendMoods } = this.#scene;
    const log = simLog(life, witness);
    const { clock } = life;
    const ledger = books.open(life);
    const { problems } = await ledger.check();
    if (problems.length > 0) world.violate('the books are right at every start', problems.join('; '));
    const spool = await openDiskSpool({ directory: '/spool', maxBytes: SPOOL_BYTES, disk: disk.mount(life), log });
    const members = backendMoods.map((backendMood, index) => ({
      backend: new SimBackend(`gpu${index + 1}`, { life, witness, habits, mood: backendMood }),
      slots: 1 + (index % 2),
    }));
    const pool = createPool({
      members,
      clock,
      maxQueueLength: Infinity,
      log,
      refreshMs: 300_000,
      places: createPlaces,
    });
    const node = new SimNode(life, account, mood, (...message) => witness.sent(...message));
    const seller = createSeller({
      settings: { ...this.#settings, spool: { maxBytes: SPOOL_BYTES, maxBacklogBytes: 4_000 } },
      node,
      ledger,
      spool,
      pool,
      counting: new Counting({ open: createBytesEstimator, log }),
      clock,
      log,
      onFatal: (error) => life.die(`ends itself: ${error.message}`),
    });
    await pool.start();
    this.#opened = { seller, node, pool, spool, ledger };
    await seller.start();
  }
}

/** Bottleneck without its timers. */
function createPlaces(count: number): Places {
  const waiting: ((leave: () => void) => void)[] = [];
  let free = count;
  const leaveOnce = (): (() => void) => {
    let isLeft = false;
    return () => {
      if (isLeft) return;
      isLeft = true;
      const next = waiting.shift();
      if (next === undefined) free++;
      else next(leaveOnce());
    };
  };
  return {
    admit: () => {
      if (free === 0) return new Promise((resolve) => waiting.push(resolve));
      free--;
      return Promise.resolve(leaveOnce());
    },
  };
}
