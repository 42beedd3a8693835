import type { Logger } from 'pino';
import { BackendError } from '../backend/backend.ts';
import type { Backend, OutputCapField } from '../backend/backend.ts';
import type { BackendPool } from '../backend/pool.ts';
import type { Clock } from '../clock/clock.ts';
import { backendModelOf } from '../job/job.ts';
import type { Job, JobKey } from '../job/job.ts';
import { TOO_LONG } from '../job/run.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { answerFilter } from '../openai/answer.ts';
import { checkRequestInSteps } from '../openai/request.ts';
import type { RequestLimits } from '../openai/request.ts';
import { SpoolError } from '../spool/spool.ts';
import type { Spool } from '../spool/spool.ts';
import type { AbortReason, Attempt, EndEvent } from './attempt.ts';
import type { Engine } from './engine.ts';
import { endBroken, endOutput, noteOf, outputStreamId } from './output.ts';
import type { OutputBegun, Storefront } from './storefront.ts';
import { WorkDone } from './work-done.ts';

export interface RunnerOptions {
  readonly engine: Engine;
  readonly ledger: Ledger;
  readonly pool: BackendPool;
  readonly spool: Spool;
  readonly clock: Clock;
  readonly storefront: Pick<Storefront, 'beginOutput'>;
  readonly log: Logger;
  readonly maxOutputBytes: number;
  readonly maxBacklogBytes: number;
  /** As when the request was priced. */
  readonly allowed: Pick<RequestLimits, 'allowedFields' | 'allowedToolTypes'>;
}

const MODEL_NOT_FOUND = 404;
/** A status ≥ 500 that comes later is work that failed, not a backend that was unwell: a buyer can cause it, and would have the work done again. */
const RETRY_SERVER_ERROR_WITHIN_MS = 10_000;
/** Ollama does so after many equal chunks. */
const ENDED_EARLY = 'the backend ended its stream without the last event';
const ERROR_IN_ANSWER = 'the backend reported an error within its answer';

/** The data plane's first half: backend → filter → spool. It tells the engine when output began and how it ended, and nothing of the bytes between. */
export class Runner {
  readonly #options: RunnerOptions;
  readonly #attempts = new Map<JobKey, Attempt>();
  /** Where attempts of a job failed: the next one goes elsewhere, if it can. */
  readonly #failedAt = new Map<JobKey, Set<Backend>>();
  readonly #workDone: WorkDone;

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#workDone = new WorkDone(options.clock);
  }

  /** Effect: starts work on a funded job. Nothing happens when it is under way. */
  start(job: Job): void {
    if (job.run !== 'queued' || this.#attempts.has(job.key)) return;
    const { taskKind } = job.terms;
    const filter = answerFilter({ taskKind, stream: job.work.stream, usageWanted: job.work.usageWanted });
    const isWithheld = job.funding === 'held' && !job.work.stream;
    const abort = new AbortController();
    const attempt: Attempt = { job, abort, filter, isWithheld, isAsked: false, hasOutput: false, hasBegun: false };
    this.#attempts.set(job.key, attempt);
    void this.#attempt(attempt);
  }

  /** Effect: stops the work, upstream too. */
  abort(job: Job): void {
    const reason: AbortReason = job.cancelled ? 'cancelled' : job.timedOut === true ? 'timed out' : 'over';
    this.#attempts.get(job.key)?.abort.abort(reason);
  }

  /** Stops all work; what becomes of the jobs is for the next start. */
  close(): void {
    for (const attempt of this.#attempts.values()) attempt.abort.abort('over' satisfies AbortReason);
  }

  async #attempt(attempt: Attempt): Promise<void> {
    const { engine, log } = this.#options;
    const { key } = attempt.job;
    const end = await this.#produce(attempt).catch((error: unknown) => this.#fail(attempt, error));
    this.#attempts.delete(key);
    attempt.slot?.release();
    try {
      const job = end === undefined ? undefined : await engine.dispatch(key, end);
      if (job?.run !== 'queued' && job?.run !== 'running') this.#failedAt.delete(key);
    } catch (error) {
      log.error({ job: key, reason: String(error) }, 'the end of a run could not be recorded');
    }
  }

  async #produce(attempt: Attempt): Promise<EndEvent | undefined> {
    const { engine, ledger, pool, spool, maxOutputBytes, maxBacklogBytes } = this.#options;
    const { job, abort, filter } = attempt;
    const { key, work, terms } = job;
    const exclude = this.#failedAt.get(key);
    const model = backendModelOf(work);
    attempt.slot = await pool.acquire(model, abort.signal, { exclude, taskKind: terms.taskKind });
    attempt.startedAtMs = this.#options.clock.nowMs();
    const maxBytes = Math.min(maxOutputBytes, job.limits.maxResultBytes);
    const limits = { maxBytes, maxBacklogBytes: attempt.isWithheld ? maxBytes : maxBacklogBytes };
    const [[running, input], writer] = await both(
      both(engine.dispatch(key, { kind: 'slot-granted' }), ledger.input(key)),
      spool.create(key, limits).then((created) => (attempt.writer = created)),
    );
    if (running?.run !== 'running') {
      await writer.abort();
      return undefined;
    }
    if (input === undefined) throw new BackendError('the stored request is missing', { retryable: false });
    const { backend } = attempt.slot;
    const body = await this.#upstreamBody(job, input, backend.outputCapField);
    const request = { taskKind: terms.taskKind, model, body, stream: work.stream };
    attempt.isAsked = true;
    const answer = await backend.run(request, abort.signal);
    const stream = (attempt.stream = { streamId: outputStreamId(key), contentType: answer.contentType });
    for await (const bytes of answer.body) {
      for (const output of filter.push(bytes)) await this.#put(attempt, output);
      if (abort.signal.aborted) throw abort.signal.reason;
    }
    const end = filter.end();
    for (const output of end.outputs) await this.#put(attempt, output);
    if (!end.complete && attempt.hasBegun && work.stream) {
      const broken = await endBroken(attempt, ENDED_EARLY);
      return {
        kind: 'cut-short',
        reason: ENDED_EARLY,
        usage: this.#workDone.counted(attempt),
        ...(broken && { output: broken }),
      };
    }
    if (!end.complete || !attempt.hasOutput)
      throw new BackendError('the backend ended its answer early', { retryable: !attempt.hasBegun });
    if (end.failed) {
      const failed = { kind: 'attempt-failed', retryable: false, reason: ERROR_IN_ANSWER } as const;
      if (attempt.hasBegun) return { ...failed, output: await endOutput(stream, writer, '') };
      await writer.abort();
      return failed;
    }
    pool.report(backend, 'ok', model);
    if (end.usage !== undefined) this.#workDone.told(attempt, end.usage);
    const usage = end.usage ?? this.#workDone.counted(attempt);
    const output = await endOutput(stream, writer, noteOf(usage));
    if (!attempt.hasBegun) await this.#begin(attempt, stream);
    return { kind: 'output-ended', output, usage };
  }

  /**
   * The first byte waits until it is saved that output began: from then on the job never runs again. The stream is begun meanwhile. The
   * other bytes wait for nothing.
   */
  async #put(attempt: Attempt, bytes: Uint8Array): Promise<void> {
    const { writer, stream } = attempt;
    if (bytes.length === 0 || writer === undefined || stream === undefined) return;
    attempt.hasOutput = true;
    if (attempt.hasBegun || attempt.isWithheld) return writer.append(bytes, attempt.abort.signal);
    await both(this.#begin(attempt, stream), writer.append(bytes, attempt.abort.signal));
  }

  async #begin(attempt: Attempt, stream: OutputBegun): Promise<void> {
    const { engine, storefront } = this.#options;
    const { job, abort } = attempt;
    abort.signal.throwIfAborted(); // nothing is begun that has ended already
    attempt.hasBegun = true;
    // While its payment is only held a buyer is told nothing that it could take for an answer.
    if (job.funding !== 'held') storefront.beginOutput(job, stream);
    const saved = await engine.dispatch(job.key, { kind: 'output-began', ...stream });
    if (saved?.run !== 'producing')
      throw new BackendError('the job had ended before its output began', { retryable: false });
  }

  /** What a broken attempt means to the job: by whose fault it broke. */
  async #fail(attempt: Attempt, error: unknown): Promise<EndEvent | undefined> {
    const { log, pool } = this.#options;
    const { job, writer, slot, abort } = attempt;
    const why: AbortReason | undefined = abort.signal.aborted ? (abort.signal.reason as AbortReason) : undefined;
    abort.abort(); // an answer that nobody reads any more must end upstream too
    if (why === 'over' || why === 'cancelled') {
      await writer?.abort();
      return why === 'cancelled' && slot !== undefined
        ? { kind: 'run-aborted', usage: this.#workDone.whenCancelled(attempt) }
        : undefined;
    }
    const fault = why === undefined && error instanceof BackendError ? error : undefined;
    // A status is an answer: one request that a backend cannot bear must not take it off sale for everybody.
    // Nor must a silence, which a buyer can cause with a long prompt: the pool learns of a dead one by what breaks, and by asking it.
    const isAway = fault !== undefined && fault.status === undefined && fault.missed === undefined;
    if (slot !== undefined && isAway && job.attempts === 0) pool.report(slot.backend, 'failed');
    if (fault?.status === MODEL_NOT_FOUND) void pool.refresh(); // deleted since it was listed: it is not to be sold again
    const reason = why === 'timed out' ? TOO_LONG : publicReason(error);
    const isForeseen = why !== undefined || error instanceof BackendError || error instanceof SpoolError;
    log.warn(
      { job: job.key, backend: slot?.backend.name, reason: isForeseen ? reason : String(error) },
      'attempt failed',
    );
    const output = await endBroken(attempt, reason);
    const delivered = output === undefined ? {} : { output };
    const isTooLarge = error instanceof SpoolError && error.code === 'too-large';
    // What is there to deliver came steadily, or nobody fetched it: a backend that stops is found sooner.
    const isTooLong = why === 'timed out' && output !== undefined;
    if (isTooLarge || isTooLong)
      return { kind: 'cut-short', reason, usage: this.#workDone.counted(attempt), ...delivered };
    const failedAt = this.#failedAt.get(job.key) ?? new Set();
    if (slot !== undefined) this.#failedAt.set(job.key, failedAt.add(slot.backend));
    if (fault?.missed === 'first-byte')
      return { kind: 'first-byte-timed-out', retryable: pool.hasOther(backendModelOf(job.work), failedAt) };
    if (fault?.missed === 'next-byte') return { kind: 'next-byte-timed-out', ...delivered };
    const retryable = fault?.retryable === true && output === undefined && !this.#isFailedWork(attempt, fault);
    return { kind: 'attempt-failed', retryable, reason, ...delivered };
  }

  #isFailedWork(attempt: Attempt, { status = 0 }: BackendError): boolean {
    return status >= 500 && this.#workDone.ranMs(attempt) > RETRY_SERVER_ERROR_WITHIN_MS;
  }

  /** The body that was priced, with what it left open filled in: the price binds the backend too. */
  async #upstreamBody(job: Job, input: Uint8Array, cap: OutputCapField): Promise<Uint8Array> {
    const { work, breakdown } = job;
    const { model, maxOutputTokensPerChoice, choices } = work;
    const request = await checkRequestInSteps(job.terms.taskKind, input, model, {
      maxOutputTokens: maxOutputTokensPerChoice,
      maxChoices: choices,
      allowImages: (breakdown.images ?? 0) > 0,
      ...this.#options.allowed,
    });
    if ('refusal' in request)
      throw new BackendError('the stored request does not pass the gate any more', { retryable: false });
    return request.upstreamBody({ cap, usage: true, model: backendModelOf(work) });
  }
}

/** What the buyer may know: never an upstream's text. */
function publicReason(error: unknown): string {
  if (error instanceof SpoolError && error.code === 'too-large')
    return 'the answer is larger than buyer and provider agreed to carry';
  if (error instanceof SpoolError) return 'the provider could not store the answer';
  if (error instanceof BackendError && error.status !== undefined)
    return `the backend answered with status ${error.status}`;
  return 'the backend failed';
}

/** Waits for both; when one rejects, the other's rejection is not left unheard. */
async function both<A, B>(a: Promise<A>, b: Promise<B>): Promise<[A, B]> {
  const [first, second] = await Promise.allSettled([a, b]);
  if (first.status === 'rejected') throw first.reason;
  if (second.status === 'rejected') throw second.reason;
  return [first.value, second.value];
}
