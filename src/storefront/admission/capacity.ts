import { backendModelOf } from '../../job/job.ts';
import type { Job } from '../../job/job.ts';
import type { NodeId } from '../../lightning/lightning.ts';
import { seconds } from '../../protocol/retry-hint.ts';
import { decline, declineFor } from './declined.ts';
import type { Declined } from './declined.ts';
import type { KnownPeers } from './known-peers.ts';
import { RunTimes } from './run-times.ts';
import type { Queue } from './run-times.ts';
import { share, shortage } from './share.ts';
import type { Holder } from './share.ts';
import { tally } from './tally.ts';

export interface CapacityLimits {
  readonly keptForTrustedPercent: number;
  readonly openQuotes: number;
  readonly openQuotesPerPeer: number;
  readonly maxInflightJobs: number;
  readonly queueLength: number;
  /** The longest wait for a place that a quote promises. */
  readonly longestWaitMs: number;
  /** How long a run is taken to be before one has ended. */
  readonly firstRunMs: number;
  /** No run is longer. */
  readonly longestRunMs: number;
  readonly maxOutputBytes: number;
  readonly spoolBytes: number;
}

export interface CapacityOptions {
  readonly peers: KnownPeers;
  readonly limits: CapacityLimits;
  /** All jobs in memory. */
  readonly jobs: () => Iterable<Job>;
  readonly queue: (model: string) => Queue;
  /** What backends call a model that buyers name so. Default: the same. */
  readonly backendModel?: (name: string) => string;
  readonly spoolUsedBytes: () => number;
}

/** What a sale needs: its place among the quotes, a turn on a backend in time, and room for its answer. */
export class Capacity {
  readonly #options: CapacityOptions;
  readonly #runTimes: RunTimes;

  constructor(options: CapacityOptions) {
    this.#options = options;
    this.#runTimes = new RunTimes(options.limits.firstRunMs);
  }

  /** What speaks against one more quote; `roomBytes` (of disk, for the job) absent: not known yet. */
  decline({ peer, isTrusted }: Holder, name: string, roomBytes: number | undefined): Declined | undefined {
    const { limits, spoolUsedBytes, backendModel = (same) => same } = this.#options;
    const model = backendModel(name);
    const { paid, quotes, quotesForModel, roomBytes: room } = this.#tally(peer, model);
    const busy = this.#declineWait(model, quotesForModel, isTrusted, paid);
    if (busy !== undefined) return busy;
    const short = shortage(this.#share(limits.openQuotes, limits.openQuotesPerPeer), quotes, isTrusted);
    if (short === 'peer') return decline('too many unpaid quotes; pay or cancel some first');
    if (short === 'all') return decline('too many unpaid quotes at the moment; try again soon');
    if (roomBytes === undefined) return undefined;
    const use = { ...room, ofAll: room.ofAll + spoolUsedBytes() };
    const isRoom = shortage(this.#share(limits.spoolBytes), use, isTrusted, roomBytes) === undefined;
    return isRoom ? undefined : decline('no room for more answers at the moment; try again later');
  }

  /** Whether all that may come, and one more job, is too much for the spool. */
  isSpoolShort(peer: NodeId, roomBytes: number): boolean {
    const { limits, spoolUsedBytes } = this.#options;
    const { ofAll } = this.#tally(peer, '').roomBytes;
    return spoolUsedBytes() + ofAll + roomBytes > limits.spoolBytes;
  }

  runEnded({ work, startedAtMs, endedAtMs }: Job): void {
    if (startedAtMs === undefined || endedAtMs === undefined) return;
    const tookMs = Math.min(Math.max(0, endedAtMs - startedAtMs), this.#options.limits.longestRunMs);
    this.#runTimes.ended(backendModelOf(work), tookMs);
  }

  #declineWait(model: string, ahead: number, isTrusted: boolean, paid: number): Declined | undefined {
    const { limits, queue } = this.#options;
    const line = queue(model);
    const waitMs = this.#runTimes.waitMs(model, line, ahead);
    if (waitMs > limits.longestWaitMs) {
      const why = `busy: a paid job would wait about ${seconds(waitMs)} s for its turn`;
      return declineFor(waitMs - limits.longestWaitMs, why);
    }
    const mayHold = (limit: number): number => this.#share(limit)[isTrusted ? 'total' : 'strangers'];
    const isFull = paid >= mayHold(limits.maxInflightJobs) || line.waiting >= mayHold(limits.queueLength);
    return isFull ? declineFor(this.#runTimes.meanMs(model) / Math.max(1, line.slots), 'busy') : undefined;
  }

  #share(total: number, perPeer = Infinity) {
    return share(total, perPeer, this.#options.limits.keptForTrustedPercent);
  }

  #tally(peer: NodeId, model: string) {
    const { jobs, peers, limits } = this.#options;
    const isTrusted = (peer: NodeId): boolean => peers.isTrusted(peer);
    return tally(jobs(), { peer, model, maxOutputBytes: limits.maxOutputBytes, isTrusted });
  }
}
