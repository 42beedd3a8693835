import type { NodeId } from '../../lightning/lightning.ts';
import type { JobKey } from '../../job/job.ts';
import type { QuoteRequest, StreamBegin, Version } from '../../protocol/messages.ts';
import type { StreamAssembly } from '../../protocol/stream-assembly.ts';

/**
 * A request before it is a job: in memory only.
 * `awaiting` its input stream → `receiving` it → `pricing` → `accepting` (being saved).
 */
export interface Draft {
  readonly key: JobKey;
  readonly peer: NodeId;
  readonly version: Version;
  readonly jobId: string;
  readonly request: QuoteRequest;
  readonly model: string;
  state: 'awaiting' | 'receiving' | 'pricing' | 'accepting';
  begin?: StreamBegin;
  assembly?: StreamAssembly;
  /** False: a job of this key exists, or the request was refused. Nothing is accepted before this is known. */
  isNew: Promise<boolean>;
  isCancelled: boolean;
  readonly abort: AbortController;
  stopTimer: () => void;
}

export interface DraftLimits {
  readonly perPeer: number;
  readonly total: number;
  /** Input bytes held for all drafts together. */
  readonly totalBytes: number;
}

/** The drafts of all peers, bounded in number and bytes. */
export class Drafts {
  readonly #limits: DraftLimits;
  readonly #drafts = new Map<JobKey, Draft>();
  readonly #perPeer = new Map<NodeId, number>();
  #bytes = 0;

  constructor(limits: DraftLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#drafts.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(key: JobKey): Draft | undefined {
    return this.#drafts.get(key);
  }

  hasRoomFor(peer: NodeId): boolean {
    return this.#drafts.size < this.#limits.total && (this.#perPeer.get(peer) ?? 0) < this.#limits.perPeer;
  }

  /** Counts input bytes that arrived; false: no room, and nothing was counted. */
  reserve(bytes: number): boolean {
    if (this.#bytes + bytes > this.#limits.totalBytes) return false;
    this.#bytes += bytes;
    return true;
  }

  release(bytes: number): void {
    this.#bytes -= bytes;
  }

  add(draft: Draft): void {
    this.#drafts.set(draft.key, draft);
    this.#perPeer.set(draft.peer, (this.#perPeer.get(draft.peer) ?? 0) + 1);
  }

  remove(draft: Draft): void {
    draft.stopTimer();
    if (this.#drafts.get(draft.key) !== draft) return; // removed before
    this.#drafts.delete(draft.key);
    const left = (this.#perPeer.get(draft.peer) ?? 1) - 1;
    if (left > 0) this.#perPeer.set(draft.peer, left);
    else this.#perPeer.delete(draft.peer);
  }

  ofPeer(peer: NodeId): Draft[] {
    return [...this.#drafts.values()].filter((draft) => draft.peer === peer);
  }
}
