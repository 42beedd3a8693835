import { createHash } from 'node:crypto';
import { Agenda } from './agenda.ts';
import { Random } from './random.ts';

/** A law that was broken: the end of the run. */
export class Violation extends Error {
  readonly law: string;
  constructor(law: string, text: string) {
    super(text);
    this.name = 'Violation';
    this.law = law;
  }
}

const START_MS = Date.UTC(2026, 0, 1);
/** No run of its size needs as many: something goes round in a circle. */
const MAX_EVENTS = 2_000_000;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Time, chance and the story of one run. Between two events everything that is ready runs to its end, so that nothing depends on the machine. */
export class World {
  readonly random: Random;
  readonly counts: Record<string, number> = {};
  events = 0;
  violation: Violation | undefined;
  readonly #agenda = new Agenda();
  readonly #hash = createHash('sha256');
  readonly #tell: ((line: string) => void) | undefined;
  #nowMs = START_MS;

  constructor(seed: number, tell?: (line: string) => void) {
    this.random = new Random(seed);
    this.#tell = tell;
  }

  /** True time; unix ms. A process may have another one. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Does something later; the returned function takes it back. */
  after(delayMs: number, happen: () => void): () => void {
    const entry = this.#agenda.add(this.#nowMs + Math.max(0, Math.ceil(delayMs)), happen);
    return () => {
      entry.isOff = true;
    };
  }

  /** Within so many milliseconds, as chance has it. */
  soon(withinMs: number, happen: () => void): void {
    this.after(this.random.between(0, withinMs), happen);
  }

  /** A line of the story; part of the run's hash, so it must not hold what is random by itself. */
  say(who: string, what: string): void {
    const line = `${((this.#nowMs - START_MS) / 1000).toFixed(3).padStart(10)}  ${who.padEnd(8)}  ${what}`;
    this.#hash.update(line);
    this.#tell?.(line);
  }

  count(what: string, by = 1): void {
    this.counts[what] = (this.counts[what] ?? 0) + by;
  }

  /** The first one counts; the run ends after the event under way. */
  violate(law: string, text: string): void {
    if (this.violation !== undefined) return;
    this.violation = new Violation(law, text);
    this.say('LAW', `${law}: ${text}`);
  }

  /** Lets time pass, and all that is due happen. */
  async run(forMs: number): Promise<void> {
    const untilMs = this.#nowMs + forMs;
    await turn();
    while (this.violation === undefined) {
      const next = this.#agenda.peek();
      if (next === undefined || next.atMs > untilMs) break;
      this.#agenda.take();
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      if (++this.events > MAX_EVENTS) this.violate('everything comes to rest', 'the run does not end');
      try {
        next.happen();
      } catch (error) {
        this.violate('nothing throws where nobody catches', String(error));
      }
      await turn();
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  /** Of all that was said so far. */
  hash(): string {
    return this.#hash.copy().digest('hex').slice(0, 16);
  }
}
