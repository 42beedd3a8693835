import type { PaymentMode } from '../../src/pricing/price-list.ts';
import { Faults } from './faults.ts';
import { judge, judgeRest } from './judge.ts';
import { RETENTION_MS, Scene } from './scene.ts';

export interface RunOptions {
  readonly seed: number;
  /** Sales in one run. */
  readonly jobs: number;
  readonly mode: PaymentMode | 'mixed';
  /** Hears the story, line by line. */
  readonly tell?: (line: string) => void;
}

export interface RunReport {
  readonly seed: number;
  readonly mode: PaymentMode;
  /** The same for the same seed, on every machine. */
  readonly hash: string;
  readonly events: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly violation?: { readonly law: string; readonly text: string };
}

/** Of misfortune, for each sale. */
const CHAOS_MS = { least: 3_000, most: 60_000 };
const PEACE_MS = 2_400_000;
/** The last start finds every retention over; its sweeper comes by twice, and has time for restarts on its way. */
const LAST_START_MS = 240_000;

/** One run: sales under misfortune, then peace for who paid to get what is due, then a last start when all is to be forgotten; and judgement. */
export async function simulate({ seed, jobs, mode, tell }: RunOptions): Promise<RunReport> {
  const drawn: PaymentMode = mode === 'mixed' ? (seed % 2 === 0 ? 'upfront' : 'hold') : mode;
  const scene = new Scene(seed, drawn, tell);
  const { world, buyers, provider } = scene;
  const { random } = world;
  const onRejection = (error: unknown): void => world.violate('no rejection goes unheard', String(error));
  process.on('unhandledRejection', onRejection);
  try {
    const chaosMs = 3_000 + jobs * random.spread(CHAOS_MS.least, CHAOS_MS.most);
    const faults = new Faults(scene);
    provider.start();
    for (const buyer of buyers) world.soon(5_000, () => buyer.link.connect());
    for (let job = 0; job < jobs; job++) world.after(random.between(3_000, chaosMs), () => random.pick(buyers).order());
    faults.start();
    await world.run(chaosMs);
    world.say('world', 'peace');
    faults.end();
    for (const buyer of buyers) buyer.makePeace();
    await world.run(PEACE_MS + provider.clockRangeMs);
    world.say('world', 'everything should be at rest');
    judgeRest(scene);
    provider.kill('is ended a last time');
    provider.setSkew(provider.skewMs + 2 * RETENTION_MS);
    await world.run(LAST_START_MS);
    if (world.violation === undefined) judge(scene);
  } finally {
    process.off('unhandledRejection', onRejection);
    scene.books.close();
  }
  const { violation, events, counts } = world;
  return {
    seed,
    mode: drawn,
    hash: world.hash(),
    events,
    counts,
    ...(violation === undefined ? {} : { violation: { law: violation.law, text: violation.message } }),
  };
}
