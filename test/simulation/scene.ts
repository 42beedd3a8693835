import type { SellerSettings } from '../../src/node/seller.ts';
import type { PaymentMode } from '../../src/pricing/price-list.ts';
import { msat } from '../../src/money/msat.ts';
import { Books } from './books.ts';
import { MemoryDisk } from './memory-disk.ts';
import { Provider } from './provider.ts';
import { SimAccount } from './sim-account.ts';
import { MODEL } from './sim-backend.ts';
import type { BackendHabits, BackendMood } from './sim-backend.ts';
import { SimBuyer } from './sim-buyer.ts';
import { calmMood } from './sim-node.ts';
import { Witness } from './witness.ts';
import { World } from './world.ts';

export const PRICES = { inputMsat: 1_000n, outputMsat: 10_000n };
const PRICE = {
  inputMsatPerMtok: msat(PRICES.inputMsat * 1_000_000n),
  outputMsatPerMtok: msat(PRICES.outputMsat * 1_000_000n),
  requestMsat: msat(0n),
};
/** Longer than a run, whatever its clock does. */
export const RETENTION_MS = 4 * 3_600_000;

/** Limits small enough to be met. */
const settingsFor = (mode: PaymentMode): SellerSettings => ({
  enabled: true,
  quoteTtlSeconds: 300,
  minPriceMsat: msat(1_000n),
  pricing: { lists: [{ file: 'simulated', entries: [{ pattern: MODEL, price: PRICE }] }] },
  llm: {
    maxOutputTokens: 100,
    estimators: [{ name: 'bytes' }],
    coldModels: 'warm',
    allowedRequestFields: [],
    allowedToolTypes: [],
  },
  peers: { allow: [], deny: [], channelOnly: false },
  payment: { mode, holdSeconds: 300 },
  limits: {
    maxPayloadBytes: 16_384,
    maxInputBytes: 50_000,
    maxOutputBytes: 150_000,
    maxInflightJobs: 12,
    keptForTrustedPercent: 20,
    requestsPerMinutePerPeer: 30,
    requestsPerMinute: 100,
    countingSecondsPerMinutePerPeer: 10,
    countingSecondsPerMinute: 60,
    modelLoadsPerMinutePerPeer: 2,
    modelLoadsPerMinute: 6,
    openInputsPerPeer: 6,
    openInputs: 20,
    inputMemoryBytesPerPeer: 100_000,
    inputMemoryBytes: 200_000,
    openQuotesPerPeer: 6,
    openQuotes: 20,
    queueLength: 8,
    longestWaitSeconds: 300,
    maxChoices: 4,
  },
  deadlines: {
    inputSeconds: 60,
    queueSeconds: 300,
    firstByteSeconds: 60,
    idleSeconds: 60,
    totalSeconds: 600,
    retentionSeconds: RETENTION_MS / 1000,
    drainSeconds: 60,
  },
  spool: { maxBytes: 0, maxBacklogBytes: 0 },
});

/** How well the backends of this run behave: each run has failures of its own. */
function drawHabits(world: World): BackendHabits {
  const { random } = world;
  const often = (weight: number): number => (random.chance(0.5) ? 0 : random.spread(1, weight));
  return {
    well: 60,
    refuses: often(10),
    'error 500': often(20),
    'dies at once': often(20),
    'dies midway': often(15),
    stalls: often(5),
    clings: often(5),
    'error event': often(10),
    'no last event': often(10),
    empty: often(10),
    'says nothing': often(5),
    much: often(30),
  };
}

/** Everything of one run: the world, what is durable in it, and who lives in it. */
export class Scene {
  readonly world: World;
  readonly mode: PaymentMode;
  readonly books = new Books();
  readonly disk: MemoryDisk;
  readonly account: SimAccount;
  readonly mood = calmMood();
  readonly habits: BackendHabits;
  readonly backendMoods: readonly BackendMood[];
  readonly witness: Witness;
  readonly buyers: readonly SimBuyer[];
  readonly provider: Provider;

  constructor(seed: number, mode: PaymentMode, tell?: (line: string) => void) {
    const world = new World(seed, tell);
    this.world = world;
    this.mode = mode;
    this.disk = new MemoryDisk(world);
    this.account = new SimAccount(world);
    this.witness = new Witness(world, this.books, this.account);
    this.habits = drawHabits(world);
    this.backendMoods = Array.from({ length: world.random.between(1, 3) }, () => ({ isAway: false }));
    this.buyers = Array.from(
      { length: world.random.between(2, 6) },
      (_, index) => new SimBuyer(index + 1, { world, account: this.account, witness: this.witness }),
    );
    this.provider = new Provider(this, settingsFor(mode));
  }
}
