import type { Random } from './random.ts';
import type { Scene } from './scene.ts';
import { calmMood } from './sim-node.ts';

const HOUR_MS = 3_600_000;

/** A misfortune; what it returns ends it, if it is not over at once. */
type Fault = (scene: Scene, random: Random) => (() => void) | void;

function cutPower({ provider, disk, witness }: Scene): void {
  provider.kill('loses power');
  disk.cutPower();
  for (const sale of witness.sales) sale.isTorn ||= sale.hasLeft;
}

const FAULTS = {
  crash: ({ provider }) => provider.kill('is killed'),
  'crash in a call': ({ provider }, random) => provider.life?.doom(random.spread(1, 200)),
  'crash storm': ({ provider }, random) => {
    if (provider.dooms.length > 0) return;
    for (let count = random.between(2, 4); count > 0; count--) provider.dooms.push(random.spread(1, 120));
    provider.kill('is killed, as will be those after it');
  },
  'power cut': cutPower,
  'crash, then a power cut': (scene, random) => {
    scene.provider.life?.doom(random.spread(1, 200));
    scene.world.after(random.spread(1_000, 100_000), () => cutPower(scene));
  },
  'orderly restart': ({ provider }, random) => void provider.stop(random.spread(1_000, 60_000)),
  'clock jumps': ({ provider }, random) => {
    provider.setSkew(random.pick([-HOUR_MS, HOUR_MS, random.between(-60_000, 60_000)]));
    return random.chance(0.5) ? () => provider.setSkew(0) : undefined;
  },
  'node away': ({ provider, mood }) => {
    mood.isAway = true;
    provider.node?.noticeMood();
    return () => {
      mood.isAway = false;
      provider.node?.noticeMood();
    };
  },
  'node unreliable': ({ mood }, random) => {
    mood.failsBefore = random.next() / 2;
    mood.failsAfter = random.next() / 2;
    mood.refuses = random.next() / 10;
    return () => Object.assign(mood, { ...calmMood(), isAway: mood.isAway });
  },
  'news late and twice': ({ mood }, random) => {
    mood.newsWithinMs = random.spread(1_000, 200_000);
    mood.repeatsNews = random.next();
    return () => Object.assign(mood, { newsWithinMs: calmMood().newsWithinMs, repeatsNews: 0 });
  },
  'invoice cancelled by the node': ({ account }, random) => {
    const inState = (wanted: string) => account.invoices().filter(({ state }) => state.state === wanted);
    const held = inState('held');
    const candidates = held.length > 0 ? held : inState('open');
    if (candidates.length > 0) account.cancel(random.pick(candidates).paymentHash);
  },
  'buyer cut off': ({ buyers }, random) => {
    const buyer = random.pick(buyers);
    buyer.link.disconnect();
    return () => {
      if (!buyer.isGone) buyer.link.connect();
    };
  },
  'buyer back at once': ({ buyers }, random) => {
    const { isGone, link } = random.pick(buyers);
    if (isGone) return;
    link.disconnect();
    link.connect();
  },
  'buyer does not read': ({ buyers }, random) => {
    const { link } = random.pick(buyers);
    link.stall();
    return () => link.resume();
  },
  'buyer restarts': ({ buyers }, random) => random.pick(buyers).restart(),
  'buyer gone': ({ buyers }, random) => {
    const buyer = random.pick(buyers);
    if (random.chance(0.3)) buyer.vanish();
  },
  'backend away': ({ backendMoods }, random) => {
    const mood = random.pick(backendMoods);
    mood.isAway = true;
    return () => {
      mood.isAway = false;
    };
  },
  'ledger full': ({ books }) => {
    books.fault = 'full';
    return () => (books.fault = 'none');
  },
  'ledger locked': ({ books }) => {
    books.fault = 'locked';
    return () => (books.fault = 'none');
  },
  'ledger lost': ({ books, world }) => {
    books.fault = 'failed';
    world.after(2_000, () => (books.fault = 'none'));
  },
  'spool full': ({ disk }) => {
    disk.fault = 'full';
    return () => (disk.fault = 'none');
  },
  'spool broken': ({ disk }) => {
    disk.fault = 'broken';
    return () => (disk.fault = 'none');
  },
} as const satisfies Readonly<Record<string, Fault>>;

type FaultName = keyof typeof FAULTS;

/** Brings misfortunes over a run until peace is made: some kinds of them, often or rarely, as chance chose for this seed. */
export class Faults {
  readonly #scene: Scene;
  readonly #kinds: readonly FaultName[];
  readonly #everyMs: number;
  readonly #ends = new Set<() => void>();
  #isOver = false;

  constructor(scene: Scene) {
    const { random } = scene.world;
    this.#scene = scene;
    const share = random.next();
    this.#kinds = (Object.keys(FAULTS) as FaultName[]).filter(() => random.chance(share));
    this.#everyMs = random.spread(15_000, 400_000);
  }

  start(): void {
    if (this.#kinds.length > 0) this.#next();
  }

  /** Everything that is still wrong is mended. */
  end(): void {
    this.#isOver = true;
    this.#scene.provider.life?.doom(Infinity);
    this.#scene.provider.dooms.length = 0;
    for (const end of this.#ends) end();
    this.#ends.clear();
  }

  #next(): void {
    const { world } = this.#scene;
    world.after(world.random.spread(100, 2 * this.#everyMs), () => {
      if (this.#isOver) return;
      this.#strike(world.random.pick(this.#kinds));
      this.#next();
    });
  }

  #strike(name: FaultName): void {
    const { world } = this.#scene;
    world.say('fault', name);
    world.count('faults');
    const fault: Fault = FAULTS[name];
    const end = fault(this.#scene, world.random);
    if (end === undefined) return;
    this.#ends.add(end);
    world.after(world.random.spread(500, 400_000), () => {
      if (!this.#ends.delete(end)) return;
      world.say('fault', `${name}: over`);
      end();
    });
  }
}
