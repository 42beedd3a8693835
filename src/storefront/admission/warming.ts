import type { BackendPool } from '../../backend/pool.ts';
import type { Clock } from '../../clock/clock.ts';
import { backendModelOf, isAtRest, isRunFinal, isUnpaid } from '../../job/job.ts';
import type { Job } from '../../job/job.ts';
import type { NodeId } from '../../lightning/lightning.ts';
import type { Admission } from './admission.ts';
import { declineFor } from './declined.ts';
import type { Declined } from './declined.ts';
import type { KnownPeers } from './known-peers.ts';

export interface WarmingOptions {
  readonly clock: Clock;
  readonly pool: Pick<BackendPool, 'readiness' | 'load'>;
  readonly admission: Pick<Admission, 'admit'>;
  readonly peers: Pick<KnownPeers, 'isTrusted'>;
  /** All jobs in memory. */
  readonly jobs: () => Iterable<Job>;
}

const LOADING = 'this model is being loaded';
/** So long after its load a model waits for who had it loaded: to come back at the hint, and to be quoted. */
const KEPT_AFTER_LOAD_MS = 20_000;
/** So long a quote that nobody pays keeps its model in memory. */
const KEPT_FOR_UNPAID_MS = 60_000;

/** Models that are not in memory are not sold: they are loaded, and the buyer is told when to come back. */
export class Warming {
  readonly #options: WarmingOptions;
  /** Models that were loaded a moment ago, for whom, and until when they are kept for that. */
  readonly #fresh = new Map<string, { readonly isTrusted: boolean; readonly untilMs: number }>();

  constructor(options: WarmingOptions) {
    this.#options = options;
  }

  /** Undefined: the model can be used at once. Else it is being loaded from now on, if the peer may have that done and no sale suffers from it. */
  decline(peer: NodeId, model: string): Declined | undefined {
    const { pool, admission, peers, clock } = this.#options;
    const owed = this.#owedBefore(peer);
    const readiness = pool.readiness(model, owed);
    switch (readiness.kind) {
      case 'ready':
        return undefined;
      case 'loading':
        return declineFor(readiness.leftMs, LOADING);
      case 'blocked':
        return declineFor(readiness.leftMs, 'this model has to be loaded, and its backend is at work with another one');
      case 'loadable': {
        const declined = admission.admit(peer, { kind: 'load', model });
        if (declined !== undefined) return declined;
        const untilMs = clock.nowMs() + readiness.takesMs + KEPT_AFTER_LOAD_MS;
        this.#fresh.set(model, { isTrusted: peers.isTrusted(peer), untilMs });
        pool.load(model, owed);
        return declineFor(readiness.takesMs, LOADING);
      }
    }
  }

  /**
   * Models that this peer may not have unloaded: of paid jobs, of quotes that were made a moment ago, and those that were just loaded. But what a
   * stranger asked for has cost it nothing, and does not stop a trusted peer.
   */
  #owedBefore(peer: NodeId): Set<string> {
    const { peers, jobs, clock } = this.#options;
    const isTrusted = peers.isTrusted(peer);
    const nowMs = clock.nowMs();
    const owed = new Set<string>();
    for (const [model, fresh] of this.#fresh) {
      if (nowMs >= fresh.untilMs) this.#fresh.delete(model);
      else if (fresh.isTrusted || !isTrusted) owed.add(model);
    }
    for (const job of jobs()) {
      if (isAtRest(job) || isRunFinal(job)) continue;
      const isRecent = nowMs < job.acceptedAtMs + KEPT_FOR_UNPAID_MS;
      if (!isUnpaid(job) || (isRecent && (!isTrusted || peers.isTrusted(job.peer)))) owed.add(backendModelOf(job.work));
    }
    return owed;
  }
}
