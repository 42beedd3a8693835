import type { BackendPool } from '../../backend/pool.ts';
import { backendModelOf, isAtRest, isRunFinal, isUnpaid } from '../../job/job.ts';
import type { Job } from '../../job/job.ts';
import type { NodeId } from '../../lightning/lightning.ts';
import type { Admission } from './admission.ts';
import { declineFor } from './declined.ts';
import type { Declined } from './declined.ts';
import type { KnownPeers } from './known-peers.ts';

export interface WarmingOptions {
  readonly pool: Pick<BackendPool, 'readiness' | 'load'>;
  readonly admission: Pick<Admission, 'admit'>;
  readonly peers: Pick<KnownPeers, 'isTrusted'>;
  /** All jobs in memory. */
  readonly jobs: () => Iterable<Job>;
}

const LOADING = 'this model is being loaded';

/** Models that are not in memory are not sold: they are loaded, and the buyer is told when to come back. */
export class Warming {
  readonly #options: WarmingOptions;

  constructor(options: WarmingOptions) {
    this.#options = options;
  }

  /** Undefined: the model can be used at once. Else it is being loaded from now on, if the peer may have that done and no sale suffers from it. */
  decline(peer: NodeId, model: string): Declined | undefined {
    const { pool, admission } = this.#options;
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
        if (declined === undefined) pool.load(model, owed);
        return declined ?? declineFor(readiness.takesMs, LOADING);
      }
    }
  }

  /** Models that this peer may not have unloaded: of paid jobs, and of quotes that can be paid; but a stranger's quote costs nothing, and does not stop a trusted peer. */
  #owedBefore(peer: NodeId): Set<string> {
    const { peers, jobs } = this.#options;
    const isTrusted = peers.isTrusted(peer);
    const owed = new Set<string>();
    for (const job of jobs()) {
      if (isAtRest(job) || isRunFinal(job)) continue;
      if (!isUnpaid(job) || !isTrusted || peers.isTrusted(job.peer)) owed.add(backendModelOf(job.work));
    }
    return owed;
  }
}
