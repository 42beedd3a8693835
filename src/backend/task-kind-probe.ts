import type { Clock } from '../clock/clock.ts';
import { kinds, taskKinds } from '../openai/request.ts';
import { BackendError } from './backend.ts';
import type { TaskKind } from './backend.ts';
import { CallGuard } from './call-guard.ts';
import type { UpstreamFetch } from './upstream-fetch.ts';

const NOT_FOUND = 404;
/** Nothing is at a path, or nothing that takes a request. */
const NOT_TAKEN: readonly number[] = [NOT_FOUND, 405, 501];
/** The server has not looked at the request: it is busy, starts, or is behind something that does not reach it. */
const NOT_TOLD: readonly number[] = [408, 429, 502, 503, 504];
/** What a 404 says that is about the model, which a request without any has not: the path is there. */
const OF_A_MODEL = /\bmodel(?!s\b)/i;

export interface TaskKindProbeOptions {
  /** Base URL of the API, with its version. */
  readonly url: string;
  readonly upstream: UpstreamFetch;
  readonly clock: Clock;
  /** Until all answers are there. */
  readonly timeoutMs: number;
}

/** Which kinds of work a server takes: each is asked for with an empty request, which is refused at once and costs nothing. */
export class TaskKindProbe {
  readonly #options: TaskKindProbeOptions;
  readonly #takes = new Map<TaskKind, boolean>();

  constructor(options: TaskKindProbeOptions) {
    this.#options = options;
  }

  /** The kinds that the server takes as far as it tells; undefined: every kind. Asks for what is not known yet. Never rejects. */
  async taken(): Promise<readonly TaskKind[] | undefined> {
    const unknown = taskKinds.filter((taskKind) => !this.#takes.has(taskKind));
    if (unknown.length > 0) await this.#ask(unknown);
    const taken = taskKinds.filter((taskKind) => this.#takes.get(taskKind) !== false);
    return taken.length === taskKinds.length ? undefined : taken;
  }

  /** It may be another server now. */
  forget(): void {
    this.#takes.clear();
  }

  /** What a request came to: one that nobody answered, or whose path seems to be gone, puts all that is known in doubt. */
  failed({ status }: BackendError): void {
    if (status === undefined || NOT_TAKEN.includes(status)) this.forget();
  }

  async #ask(unknown: readonly TaskKind[]): Promise<void> {
    const { clock, timeoutMs } = this.#options;
    const guard = new CallGuard(clock);
    guard.limit(timeoutMs, 'the backend did not tell which work it takes', { retryable: true });
    await Promise.all(unknown.map((taskKind) => this.#askFor(taskKind, guard.signal)));
    guard.end(new BackendError('nobody reads what it answers', { retryable: false }));
  }

  async #askFor(taskKind: TaskKind, signal: AbortSignal): Promise<void> {
    const { url, upstream } = this.#options;
    const path = `${url.replace(/\/+$/, '')}${kinds[taskKind].path}`;
    try {
      const response = await upstream.fetch(path, { method: 'POST', body: '{}', signal });
      const { status } = response;
      if (NOT_TOLD.includes(status)) return;
      const isOfModel = status === NOT_FOUND && OF_A_MODEL.test(await response.text());
      this.#takes.set(taskKind, isOfModel || !NOT_TAKEN.includes(status));
    } catch {
      // not answered: it is asked again with the next list
    }
  }
}
