import type { JobKey } from '../../job/job.ts';
import type { NodeId } from '../../lightning/lightning.ts';
import type { ErrorName } from '../../protocol/error-code.ts';
import type { QuoteRequest, StreamBegin, Version } from '../../protocol/messages.ts';
import type { StreamAssembly } from '../../protocol/stream-assembly.ts';
import type { Admission } from '../admission/admission.ts';
import type { Holder } from '../admission/share.ts';
import type { Refusals } from './refusals.ts';

/**
 * A request before it is a job: in memory only.
 * `awaiting` its input stream → `receiving` it → `pricing` → `accepting` (being saved).
 */
export interface Draft {
  readonly key: JobKey;
  readonly peer: NodeId;
  /** On whose account its stream and its bytes are. */
  readonly holder: Holder;
  readonly version: Version;
  readonly jobId: string;
  readonly request: QuoteRequest;
  readonly model: string;
  state: 'awaiting' | 'receiving' | 'pricing' | 'accepting';
  begin?: StreamBegin;
  assembly?: StreamAssembly;
  chunks: number;
  /** False: a job of this key exists, or the request was refused. Nothing is accepted before this is known. */
  isNew: Promise<boolean>;
  isCancelled: boolean;
  readonly abort: AbortController;
  stopTimer: () => void;
}

/** The drafts of all peers; what they hold is on the accounts of admission. */
export class Drafts {
  readonly #admission: Admission;
  readonly #refusals: Refusals;
  readonly #drafts = new Map<JobKey, Draft>();

  constructor(admission: Admission, refusals: Refusals) {
    this.#admission = admission;
    this.#refusals = refusals;
  }

  get size(): number {
    return this.#drafts.size;
  }

  get(key: JobKey): Draft | undefined {
    return this.#drafts.get(key);
  }

  ofPeer(peer: NodeId): Draft[] {
    return [...this.#drafts.values()].filter((draft) => draft.peer === peer);
  }

  /** Admission was asked before. */
  add(draft: Draft): void {
    this.#admission.inputs.take(draft.holder);
    this.#drafts.set(draft.key, draft);
  }

  /** Tells the buyer, once, and forgets all but its key. */
  refuse(draft: Draft, name: ErrorName, message: string): void {
    if (this.#drafts.get(draft.key) !== draft) return; // answered already
    this.#refusals.send(draft.peer, draft.request, name, message);
    this.absorb(draft);
  }

  /**
   * Forgets it, but for the key: what is still on the way for it is swallowed, since an error is terminal for its job at the buyer and a second one
   * would only be noise. Costs no place.
   */
  absorb(draft: Draft): void {
    this.#refusals.remember(draft.key);
    this.drop(draft);
  }

  drop(draft: Draft): void {
    if (this.#drafts.get(draft.key) !== draft) return; // dropped before
    draft.stopTimer();
    draft.abort.abort();
    this.#drafts.delete(draft.key);
    this.#admission.inputs.release(draft.holder);
    if (draft.assembly === undefined) return;
    this.#admission.inputBytes.release(draft.holder, Number(draft.assembly.receivedBytes));
    delete draft.assembly;
  }
}
