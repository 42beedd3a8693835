import type { Logger } from 'pino';
import type { Clock } from '../../clock/clock.ts';
import type { Engine } from '../../engine/engine.ts';
import type { Job } from '../../job/job.ts';
import type { AssembledStream } from '../../protocol/stream-assembly.ts';
import type { Msat } from '../../money/msat.ts';
import { TurnsByKey } from '../../turns/turns.ts';
import type { Session } from '../../session/session.ts';
import { roomBytesFor } from '../../spool/spool.ts';
import type { Admission } from '../admission/admission.ts';
import type { Holder } from '../admission/share.ts';
import type { Warming } from '../admission/warming.ts';
import type { Offer, Priced, Refused } from '../offer.ts';
import type { Draft, Drafts } from './drafts.ts';
import { makeJob, resultRoomBytes } from './new-job.ts';

export interface AcceptanceOptions {
  readonly drafts: Drafts;
  readonly admission: Admission;
  /** Absent: a model that has to be loaded first is sold like any other. */
  readonly warming?: Pick<Warming, 'decline'> | undefined;
  readonly session: Session;
  readonly engine: Engine;
  readonly offer: Offer;
  readonly clock: Clock;
  readonly log: Logger;
  /** Makes room in the spool by giving up answers that were delivered, as far as there are any. */
  readonly makeSpoolRoom: (isShort: () => boolean) => Promise<void>;
  readonly maxOutputBytes: number;
  readonly maxJobBytes: number;
  readonly quoteTtlS: number;
}

/** From a whole input to an accepted job, one of a peer at a time: priced, checked against what there is room for, saved. */
export class Acceptance {
  readonly #options: AcceptanceOptions;
  readonly #turns = new TurnsByKey();

  constructor(options: AcceptanceOptions) {
    this.#options = options;
  }

  /** Never rejects: the buyer is told. */
  take(draft: Draft, input: AssembledStream): Promise<void> {
    return this.#turns.take(draft.peer, () => this.#price(draft, input));
  }

  async #price(draft: Draft, input: AssembledStream): Promise<void> {
    const { admission, warming, offer, engine, drafts, log } = this.#options;
    const { peer, model, key } = draft;
    try {
      if (!(await draft.isNew)) return;
      const holder = await this.#reserveCount(draft, input.data.length);
      if (holder === undefined) return;
      const beganMs = this.#nowMs();
      let countingMs = 0;
      const book = (): void => void (countingMs = admission.counted(holder, this.#nowMs() - beganMs));
      const make = await this.#appraise(draft, input).finally(book); // given up or not: it was work
      if (make === undefined) return;
      const job = await engine.accept(peer, input.data, (creditMsat) => {
        if (draft.abort.signal.aborted) return undefined; // while the credit was looked up
        const made = make(creditMsat);
        const declined =
          admission.admit(peer, { kind: 'quote', model, roomBytes: this.#roomBytes(made) }) ??
          warming?.decline(peer, offer.backendModel(model)); // while it was counted, the model may have made room for another
        if (declined !== undefined) {
          drafts.refuse(draft, declined.refusal, declined.message);
          return undefined;
        }
        draft.state = 'accepting';
        return made;
      });
      if (job === undefined) return;
      admission.quoted(peer, key, countingMs);
      if (draft.isCancelled) await engine.dispatch(job.key, { kind: 'cancel-requested' });
      drafts.drop(draft);
    } catch (error) {
      if (draft.abort.signal.aborted) return;
      log.error({ peer, job_id: draft.jobId, reason: String(error) }, 'a request could not be accepted');
      drafts.refuse(draft, 'rate-limited', 'the provider cannot take this request now; try again later');
    }
  }

  /** What cannot be served is not priced, as counting tokens is work too: undefined. Else on whose account it is counted. */
  async #reserveCount(draft: Draft, inputBytes: number): Promise<Holder | undefined> {
    const { admission, warming, offer, drafts, session, maxOutputBytes, makeSpoolRoom } = this.#options;
    const { peer, model, abort } = draft;
    const { maxStreamBytes = 0n } = session.manifestOf(peer, draft.version) ?? {};
    const roomBytes = roomBytesFor(inputBytes, Math.min(maxOutputBytes, Number(maxStreamBytes)));
    const isShort = (): boolean => admission.isSpoolShort(peer, roomBytes);
    if (isShort()) await makeSpoolRoom(isShort);
    if (abort.signal.aborted) return undefined;
    const declined =
      admission.admit(peer, { kind: 'quote', model, roomBytes }) ??
      admission.admit(peer, { kind: 'counting' }) ??
      warming?.decline(peer, offer.backendModel(model));
    if (declined === undefined) return admission.reserveCount(peer);
    drafts.refuse(draft, declined.refusal, declined.message);
    return undefined;
  }

  /** How the job is made of the buyer's credit; undefined: it was refused, or given up meanwhile. */
  async #appraise(draft: Draft, input: AssembledStream): Promise<((creditMsat: Msat) => Job) | undefined> {
    const { offer, session, clock, maxJobBytes, quoteTtlS, drafts } = this.#options;
    const { begin, abort, peer, version, model } = draft;
    const kind = offer.taskKinds.find((name) => name === draft.request.taskKind);
    const manifest = session.manifestOf(peer, version);
    if (kind === undefined || manifest === undefined || begin === undefined) return undefined;
    const priced: Priced | Refused = await offer.price(kind, model, input.data, abort.signal);
    if (abort.signal.aborted) return undefined;
    if ('refusal' in priced) {
      drafts.refuse(draft, priced.refusal, priced.message);
      return undefined;
    }
    const maxResultBytes = resultRoomBytes(manifest, input.data.length, maxJobBytes);
    if (maxResultBytes > 0) {
      const parts = { draft, begin, kind, input, priced, manifest, maxResultBytes, quoteTtlS };
      return (creditMsat) => makeJob({ ...parts, creditMsat, nowMs: clock.nowMs() });
    }
    drafts.refuse(draft, 'payload-too-large', 'no answer fits beside this input into the bytes that a job may have');
    return undefined;
  }

  #nowMs(): number {
    return this.#options.clock.nowMs();
  }

  #roomBytes({ terms, limits }: Job): number {
    return roomBytesFor(terms.inputBytes, Math.min(this.#options.maxOutputBytes, limits.maxResultBytes));
  }
}
