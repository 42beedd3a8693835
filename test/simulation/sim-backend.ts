import { BackendError } from '../../src/backend/backend.ts';
import type { Backend, BackendAnswer, BackendModel, BackendRequest, Missed } from '../../src/backend/backend.ts';
import { JSON_CONTENT_TYPE, SSE_CONTENT_TYPE } from '../../src/protocol/content-type.ts';
import { delta, DONE, usageChunk } from '../harness/scripted-backend.ts';
import type { Life } from './life.ts';
import type { Random } from './random.ts';
import type { BackendRun, Sale } from './sale.ts';
import type { Witness } from './witness.ts';

export const MODEL = 'sim-model';

/** How the backends of a run behave: how often each way to answer comes. */
export type BackendHabits = Readonly<Record<Way, number>>;
export type Way =
  | 'well'
  | 'refuses'
  | 'error 500'
  | 'dies at once'
  | 'dies midway'
  | 'stalls'
  | 'clings'
  | 'error event'
  | 'no last event'
  | 'empty'
  | 'says nothing'
  | 'much';

export interface BackendMood {
  isAway: boolean;
}

/** A piece of an answer: what is sent, and what of it a buyer sees. */
interface Piece {
  readonly sent: string;
  readonly seen: string;
}

const IDLE_MS = 60_000;
const WORDS = ['seven', 'sats', 'über', 'a', 'channel', '⚡', 'of', 'light'];
const seen = (text: string): Piece => ({ sent: text, seen: text });

/** A backend in one process's view: answers each call in a way that chance chose. */
export class SimBackend implements Backend {
  readonly outputCapField = 'max_tokens';
  readonly name: string;
  readonly #life: Life;
  readonly #witness: Witness;
  readonly #habits: BackendHabits;
  readonly #mood: BackendMood;

  constructor(name: string, parts: { life: Life; witness: Witness; habits: BackendHabits; mood: BackendMood }) {
    this.name = name;
    this.#life = parts.life;
    this.#witness = parts.witness;
    this.#habits = parts.habits;
    this.#mood = parts.mood;
  }

  models(): Promise<BackendModel[]> {
    return this.#life.call(() => {
      if (this.#mood.isAway) throw new BackendError('away', { retryable: true });
      return [{ id: MODEL }];
    });
  }

  async close(): Promise<void> {}

  async run(request: BackendRequest, signal: AbortSignal): Promise<BackendAnswer> {
    const sale = this.#witness.saleOf(request.body);
    const { world } = this.#life;
    const way = this.#mood.isAway ? 'dies at once' : world.random.weighted(this.#habits);
    const nothing = { text: '', isWhole: false, produced: 0, textBytes: 0, usage: undefined };
    const run: BackendRun = { life: this.#life, isOpen: true, ...nothing };
    this.#witness.runBegins(sale, run);
    world.say(this.name, `${sale.label}: ${way}`);
    world.count('attempts');
    const pieces = this.#piecesOf(way, sale, run, request.stream);
    run.text = Buffer.from(pieces.map((piece) => piece.seen).join('')).toString('latin1');
    try {
      await this.#wait(way === 'clings' ? undefined : signal, world.random.spread(10, 20_000));
      if (way === 'refuses') throw new BackendError('status 400', { retryable: false, status: 400 });
      if (way === 'error 500') throw new BackendError('status 500', { retryable: true, status: 500 });
      if (way === 'dies at once') throw new BackendError('no answer', { retryable: true });
      if (way === 'says nothing') await this.#idle(signal, 'first-byte');
    } catch (error) {
      run.isOpen = false;
      throw error;
    }
    const body = this.#say(way, pieces, run, signal);
    return { contentType: request.stream ? SSE_CONTENT_TYPE : JSON_CONTENT_TYPE, body };
  }

  async *#say(way: Way, pieces: readonly Piece[], run: BackendRun, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const { random } = this.#life.world;
    const gapMs = random.spread(1, 3_000);
    const breaksAt =
      way === 'dies midway' || way === 'stalls' || way === 'clings' ? random.between(1, pieces.length) : Infinity;
    const turnBad = async (): Promise<void> => {
      if (way === 'dies midway') throw new BackendError('broke off', { retryable: false });
      // One that clings does not even let go when it is told to.
      await (way === 'stalls' ? this.#idle(signal, 'next-byte') : this.#wait(undefined, random.spread(1_000, 900_000)));
    };
    try {
      for (const [index, { sent }] of pieces.entries()) {
        if (index === breaksAt) await turnBad();
        await this.#wait(way === 'clings' ? undefined : signal, random.between(0, gapMs));
        for (const bytes of cutAnywhere(Buffer.from(sent), random)) yield bytes;
      }
      if (breaksAt === pieces.length) await turnBad();
    } finally {
      run.isOpen = false;
    }
  }

  #piecesOf(way: Way, sale: Sale, run: BackendRun, isStream: boolean): Piece[] {
    const { random } = this.#life.world;
    if (way === 'empty') return [];
    const count = way === 'much' ? random.between(1_000, 3_000) : random.between(0, 12);
    const words = Array.from({ length: count }, (_, index) => `${sale.label} ${index} ${random.pick(WORDS)}`);
    run.produced = words.length;
    run.textBytes = Buffer.byteLength(words.join(''));
    run.isWhole = way === 'well' || way === 'much' || way === 'clings';
    const figures = this.#figures(run);
    if (!isStream) {
      if (way === 'error event') return [seen('{"error":{"message":"out of memory"}}')];
      const message = { role: 'assistant', content: words.join(' ') };
      const text = JSON.stringify({ id: 'x', choices: [{ index: 0, message, finish_reason: 'stop' }], usage: figures });
      return (way === 'no last event' ? text.slice(0, -10) : text).split(/(?<=^.{30})/).map(seen);
    }
    if (way === 'error event') words.splice(random.between(0, words.length));
    const pieces = words.map((word) => seen(delta(word)));
    if (way === 'error event') pieces.push(seen('data: {"error":{"message":"out of memory"}}\n\n'));
    if (figures !== undefined) {
      const text = usageChunk(figures.prompt_tokens, figures.completion_tokens);
      pieces.push({ sent: text, seen: sale.plan.wantsUsage ? text : '' });
    }
    return way === 'no last event' ? pieces : [...pieces, seen(DONE)];
  }

  /** Usage as backends tell it: right, absurd, or not at all. */
  #figures(run: BackendRun): { prompt_tokens: number; completion_tokens: number } | undefined {
    const { random } = this.#life.world;
    const right = { prompt_tokens: random.between(1, 50), completion_tokens: run.produced };
    const kind = random.weighted({ right: 70, none: 10, zero: 5, huge: 10, odd: 5 });
    if (kind === 'none') return undefined;
    if (kind === 'zero') return { prompt_tokens: 0, completion_tokens: 0 };
    if (kind === 'odd') return { ...right, completion_tokens: -3 };
    const told = kind === 'huge' && run.produced > 0 ? { ...right, completion_tokens: 5_000_000 } : right;
    if (run.produced > 0) run.usage = { input: told.prompt_tokens, output: told.completion_tokens };
    return told;
  }

  /** Until somebody loses patience: the driver, at its deadline for this, or who called it. */
  async #idle(signal: AbortSignal, missed: Missed): Promise<never> {
    await this.#wait(signal, this.#life.world.random.chance(0.5) ? IDLE_MS : Infinity);
    throw new BackendError('too slow', { retryable: missed === 'first-byte', missed });
  }

  /** Rejects as soon as the signal fires. For ever: only the signal ends it. */
  #wait(signal: AbortSignal | undefined, ms: number): Promise<void> {
    const { clock } = this.#life;
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        stop();
        reject(new BackendError('aborted', { retryable: false }));
      };
      const ring = (): void => {
        signal?.removeEventListener('abort', abort);
        resolve();
      };
      const stop = ms === Infinity ? () => {} : clock.timer(ms, ring);
      if (signal?.aborted === true) return abort();
      signal?.addEventListener('abort', abort, { once: true });
    });
  }
}

/** The same bytes in parts that end where nobody would end them. */
function cutAnywhere(bytes: Buffer, random: Random): Buffer[] {
  if (bytes.length < 2 || random.chance(0.8)) return [bytes];
  const at = random.between(1, bytes.length - 1);
  return [bytes.subarray(0, at), bytes.subarray(at)];
}
