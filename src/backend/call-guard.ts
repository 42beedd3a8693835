import type { Clock } from '../clock/clock.ts';
import { BackendError } from './backend.ts';
import type { Missed } from './backend.ts';

/** Watches over one call upstream: the caller's abort, and one time limit at a time. What ends the call first is the signal's reason. */
export class CallGuard {
  readonly #abort = new AbortController();
  readonly #clock: Clock;
  readonly #caller: AbortSignal | undefined;
  readonly #onCallerAbort = () => this.end(aborted(this.#caller?.reason));
  #takeTimerBack: (() => void) | undefined;

  constructor(clock: Clock, caller?: AbortSignal) {
    this.#clock = clock;
    this.#caller = caller;
    if (caller?.aborted === true) this.#onCallerAbort();
    else caller?.addEventListener('abort', this.#onCallerAbort, { once: true });
  }

  /** Aborts when the call has to end; its reason is a BackendError. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Ends the call in `limitMs` unless `relax` comes first. Replaces the limit before. */
  limit(limitMs: number, what: string, options: { retryable: boolean; missed?: Missed }): void {
    this.relax();
    if (this.signal.aborted) return;
    const ring = () => this.end(new BackendError(`${what} within ${limitMs / 1000} s`, options));
    this.#takeTimerBack = this.#clock.timer(limitMs, ring);
  }

  relax(): void {
    this.#takeTimerBack?.();
    this.#takeTimerBack = undefined;
  }

  /** Ends the call, whatever is under way. Repeatable; the first reason stays. */
  end(reason: BackendError): void {
    this.finish();
    this.#abort.abort(reason);
  }

  /** The call has ended by itself: nothing is watched any more. */
  finish(): void {
    this.relax();
    this.#caller?.removeEventListener('abort', this.#onCallerAbort);
  }

  throwIfEnded(): void {
    this.signal.throwIfAborted();
  }
}

/** Ends the call; what ended it first, a limit or the caller, is the reason that counts. */
export function ended(guard: CallGuard, error: BackendError): BackendError {
  guard.end(error);
  return guard.signal.reason instanceof BackendError ? guard.signal.reason : error;
}

const aborted = (cause: unknown): BackendError => new BackendError('the call was aborted', { retryable: false, cause });
