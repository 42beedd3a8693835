import type { Quote, Result, Version } from '../../src/protocol/messages.ts';
import type { Random } from './random.ts';

/** What a buyer means to do; drawn before the sale begins. */
export interface Plan {
  readonly isStream: boolean;
  readonly wantsUsage: boolean;
  readonly inputBytes: number;
  readonly chunkBytes: number;
  readonly pays: 'soon' | 'late' | 'never';
  readonly overpays: boolean;
  readonly cancels: 'never' | 'before the quote' | 'when quoted' | 'while paying' | 'while it runs' | 'when it is over';
  readonly mishap: 'none' | 'other terms' | 'input twice' | 'input cut' | 'input altered' | 'no input';
  /** Goes away for good when the answer begins to come. */
  readonly vanishes: boolean;
  /** After it was served, it asks again. */
  readonly asksAgain: boolean;
}

export function drawPlan(random: Random): Plan {
  return {
    isStream: random.chance(0.6),
    wantsUsage: random.chance(0.3),
    inputBytes: random.chance(0.1) ? random.between(1_000, 20_000) : random.between(0, 400),
    chunkBytes: random.pick([300, 4_000, 16_000]),
    pays: random.weighted({ soon: 80, late: 8, never: 12 }),
    overpays: random.chance(0.03),
    cancels: random.weighted({
      never: 73,
      'before the quote': 5,
      'when quoted': 5,
      'while paying': 7,
      'while it runs': 8,
      'when it is over': 2,
    }),
    mishap: random.weighted({
      none: 85,
      'other terms': 5,
      'input twice': 4,
      'input cut': 2,
      'input altered': 2,
      'no input': 2,
    }),
    vanishes: random.chance(0.02),
    asksAgain: random.chance(0.15),
  };
}

/** One call of a backend for a sale. */
export interface BackendRun {
  readonly life: object;
  /** What a buyer sees of all that the backend says, whether it comes to its end or not. */
  text: string;
  /** It said everything, and nothing was wrong with it. */
  isWhole: boolean;
  isOpen: boolean;
  /** Tokens with content that it said. */
  produced: number;
  /** Of the text in them. */
  textBytes: number;
  /** Figures that can be believed. */
  usage: { readonly input: number; readonly output: number } | undefined;
}

/** Everything that happened in one sale, as nobody who takes part in it can know. */
export class Sale {
  readonly label: string;
  readonly jobId: string;
  readonly peer: string;
  readonly version: Version;
  readonly key: string;
  readonly plan: Plan;
  /** The buyer takes less than the provider would give. */
  readonly isLimited: boolean;
  readonly quotes: Quote[] = [];
  readonly results: Result[] = [];
  readonly runs: BackendRun[] = [];
  /** By number; each as it was first seen. */
  readonly chunks = new Map<number, string>();
  readonly streamIds = new Set<string>();
  /** All of the answer, once it was there with its result: a buyer that forgets it later was served. */
  answer: string | undefined;
  errors = 0;
  hasAsked = false;
  hasCancelled = false;
  /** The buyer holds the preimage. */
  hasPaid = false;
  /** The node took a message of its output. */
  hasLeft = false;
  /** A power cut came between: cuts of an answer that was not finished are not promised to survive it. */
  isTorn = false;

  constructor(parts: Pick<Sale, 'label' | 'jobId' | 'peer' | 'version' | 'plan' | 'isLimited'>) {
    this.label = parts.label;
    this.jobId = parts.jobId;
    this.peer = parts.peer;
    this.version = parts.version;
    this.key = `${parts.peer}/${parts.version}/${parts.jobId}`;
    this.plan = parts.plan;
    this.isLimited = parts.isLimited;
  }

  /** The bytes from the first on, as far as none is missing. */
  received(): string {
    let text = '';
    for (let seq = 0; ; seq++) {
      const chunk = this.chunks.get(seq);
      if (chunk === undefined) return text;
      text += chunk;
    }
  }
}
