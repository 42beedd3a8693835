import { Worker } from 'node:worker_threads';
import { beside } from '../program/beside.ts';
import type { CheckProgress, LedgerCheck } from './books.ts';
import { alters, type Answer, type Ask, type Group, type Opened, type Operation } from './ledger-messages.ts';
import type { CheckScope, Refusal, Reply, Request, Told, WorkerOptions } from './ledger-messages.ts';
import { LedgerError } from './ledger.ts';

/** Most requests that go into one transaction: bounds how long the first of a flood waits for the last. */
const GROUP_LIMIT = 512;

/** What is needed of the worker: in simulation one that does its work in the caller's thread. */
export type LedgerWorker = Pick<Worker, 'postMessage' | 'once' | 'on'>;

interface Pending {
  readonly request: Request;
  readonly settle: (reply: Reply) => void;
}

/** The calling side of the ledger's thread: gathers requests into groups, one group under way at a time, strictly in order. */
export class LedgerThread {
  readonly #worker: LedgerWorker;
  readonly #exited: Promise<void>;
  #onProgress: ((progress: CheckProgress) => void) | undefined;
  #queue: Pending[] = [];
  #strikes: number[] = [];
  #strikesDue = false;
  #underWay: Pending[] | undefined;
  #scheduled = false;
  #end: LedgerError | undefined;
  #closing: Promise<void> | undefined;

  /** On a worker whose database is open. */
  constructor(worker: LedgerWorker) {
    this.#worker = worker;
    this.#exited = new Promise((resolve) => worker.once('exit', () => resolve()));
    worker.on('error', (error) => this.#fail(new LedgerError('failed', `the ledger's thread broke: ${String(error)}`)));
    worker.on('exit', () => this.#fail(new LedgerError('closed', 'the ledger is closed')));
    worker.on('message', (told: Told) => ('checking' in told ? this.#onProgress?.(told) : this.#take(told)));
  }

  /** Starts the thread and opens the database there. Rejects with LedgerError. */
  static async open(options: WorkerOptions): Promise<LedgerThread> {
    const worker = new Worker(beside(import.meta.url, './sqlite-worker'), { workerData: options, execArgv: [] });
    const opened = await new Promise<Opened>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.once('exit', (code) => reject(new Error(`it ended with code ${code}`)));
    }).catch((error: unknown) => {
      throw new LedgerError('failed', `the ledger's thread did not start: ${String(error)}`, { cause: error });
    });
    if (!opened.opened) {
      await worker.terminate();
      throw errorOf(opened.refusal);
    }
    return new LedgerThread(worker);
  }

  /** Asks one question. Rejects with LedgerError. */
  request<O extends Operation>(op: O, ask: Ask<O>): Promise<Answer<O>> {
    return new Promise((resolve, reject) => {
      const ended = this.#end ?? (this.#closing && new LedgerError('closed', 'the ledger is closed'));
      if (ended !== undefined) return reject(ended);
      this.#queue.push({
        request: { op, ask } as Request,
        settle: (reply) => (reply.ok ? resolve(reply.answer as Answer<O>) : reject(errorOf(reply.refusal))),
      });
      this.#schedule();
    });
  }

  /** Checks the books; `onProgress` hears how far it is. */
  check(scope: CheckScope, onProgress?: (progress: CheckProgress) => void): Promise<LedgerCheck> {
    this.#onProgress = onProgress;
    return this.request('check', scope);
  }

  /** Puts a strike into the next group that alters the ledger, or that reads the outbox. */
  strike(effectId: number): void {
    if (this.#end === undefined && this.#closing === undefined) this.#strikes.push(effectId);
  }

  /** Sends the strikes now. */
  flushStrikes(): void {
    if (this.#strikes.length === 0 || this.#end !== undefined) return;
    this.#strikesDue = true;
    this.#schedule();
  }

  /** Performs what was asked so far, then closes the database. Repeatable. */
  close(): Promise<void> {
    if (this.#closing === undefined) {
      this.#closing = this.#exited;
      this.#schedule();
    }
    return this.#closing;
  }

  /** After the microtasks that are queued now: what one tick asks for goes together. */
  #schedule(): void {
    if (this.#scheduled || this.#underWay !== undefined) return;
    this.#scheduled = true;
    queueMicrotask(() =>
      process.nextTick(() => {
        this.#scheduled = false;
        this.#send();
      }),
    );
  }

  #send(): void {
    if (this.#underWay !== undefined || this.#end !== undefined) return;
    if (this.#queue.length === 0 && this.#strikes.length === 0) {
      if (this.#closing !== undefined) this.#worker.postMessage('close');
      return;
    }
    const pending = this.#queue.splice(0, GROUP_LIMIT);
    const requests = pending.map(({ request }) => request);
    const read = requests.length > 0 && !requests.some(({ op }) => alters(op) || op === 'outbox');
    const strikes = read ? [] : this.#strikes.splice(0);
    this.#strikesDue &&= read;
    this.#underWay = pending;
    this.#worker.postMessage({ strikes, requests } satisfies Group, requests.flatMap(buffersOf));
  }

  #take(replies: readonly Reply[]): void {
    const pending = this.#underWay ?? [];
    this.#underWay = undefined;
    // Next group first: the disk works while the callers go on.
    if (this.#queue.length > 0 || this.#strikesDue || this.#closing !== undefined) this.#schedule();
    replies.forEach((reply, index) => pending[index]?.settle(reply));
  }

  #fail(error: LedgerError): void {
    this.#end ??= error;
    const { code, message } = this.#end;
    const waiting = [...(this.#underWay ?? []), ...this.#queue];
    this.#underWay = undefined;
    this.#queue = [];
    for (const { settle } of waiting) settle({ ok: false, refusal: { code, message } });
  }
}

function buffersOf(request: Request): ArrayBuffer[] {
  return request.op === 'commit' && request.ask.input !== undefined ? [request.ask.input.buffer] : [];
}

function errorOf({ code, message }: Refusal): LedgerError {
  return new LedgerError(code, message);
}
