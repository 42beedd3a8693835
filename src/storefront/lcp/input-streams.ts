import type { Logger } from 'pino';
import type { Engine } from '../../engine/engine.ts';
import { jobKey } from '../../job/job.ts';
import type { NodeId } from '../../lightning/lightning.ts';
import { IDENTITY_ENCODING, JSON_CONTENT_TYPE } from '../../protocol/content-type.ts';
import type { StreamBegin, StreamChunk, StreamEnd } from '../../protocol/messages.ts';
import type { ErrorName } from '../../protocol/error-code.ts';
import { beginAssembly } from '../../protocol/stream-assembly.ts';
import type { AssembledStream } from '../../protocol/stream-assembly.ts';
import type { Admission } from '../admission/admission.ts';
import type { Draft, Drafts } from './drafts.ts';
import type { Refusals } from './refusals.ts';

export interface InputStreamsOptions {
  readonly drafts: Drafts;
  readonly refusals: Refusals;
  readonly admission: Admission;
  readonly engine: Engine;
  readonly log: Logger;
  readonly maxInputBytes: number;
  /** An input is there, whole and checked. */
  readonly onInput: (draft: Draft, input: AssembledStream) => void;
}

/** A stream may begin with so many chunks of any size; from then on they must bring this much each, on the average. */
const FREE_CHUNKS = 256;
const LEAST_MEAN_CHUNK_BYTES = 64;

/** Input streams, from begin to end: LCP v0.2 §5.5, v0.3 §6. Each of its methods answers whether the message meant something. */
export class InputStreams {
  readonly #options: InputStreamsOptions;

  constructor(options: InputStreamsOptions) {
    this.#options = options;
  }

  begin(peer: NodeId, begin: StreamBegin): boolean {
    const { drafts, maxInputBytes, log } = this.#options;
    const draft = drafts.get(jobKey(peer, begin.version, begin.jobId));
    if (draft === undefined) {
      this.#strayBegin(peer, begin).catch((error: unknown) =>
        log.warn({ reason: String(error) }, 'a stream was not answered'),
      );
      return false;
    }
    if (draft.begin?.streamId === begin.streamId) return false; // a duplicate
    const refuse = (name: ErrorName, message: string): true => {
      drafts.refuse(draft, name, message);
      return true;
    };
    if (draft.state !== 'awaiting') return refuse('invalid-state', 'a job has one input stream');
    const { totalBytes, sha256 } = begin;
    if (begin.version === 2 && (totalBytes === undefined || sha256 === undefined))
      return refuse('invalid-state', 'an input stream declares total_len and sha256');
    if (begin.contentEncoding !== IDENTITY_ENCODING)
      return refuse('unsupported-encoding', 'content_encoding must be identity');
    if (begin.contentType !== JSON_CONTENT_TYPE)
      return refuse('unsupported-encoding', `content_type must be ${JSON_CONTENT_TYPE}`);
    const begun = beginAssembly({
      streamId: begin.streamId,
      maxBytes: BigInt(maxInputBytes),
      ...(totalBytes === undefined ? {} : { totalBytes }),
      ...(sha256 === undefined ? {} : { sha256 }),
    });
    if (!begun.ok) return refuse(begun.error, `an input may have ${maxInputBytes} bytes`);
    draft.begin = begin;
    draft.assembly = begun.assembly;
    draft.state = 'receiving';
    return true;
  }

  chunk(peer: NodeId, chunk: StreamChunk): boolean {
    const { drafts, admission } = this.#options;
    const draft = drafts.get(jobKey(peer, chunk.version, chunk.jobId));
    if (draft?.state !== 'receiving' || draft.assembly?.streamId !== chunk.streamId) return false;
    const { assembly, holder } = draft;
    const { length } = chunk.data;
    if (!admission.inputBytes.take(holder, length)) {
      drafts.refuse(draft, 'rate-limited', 'too much input at once; try again soon');
      return true;
    }
    const before = assembly.receivedBytes;
    const taken = assembly.chunk(chunk.seq, chunk.data);
    if (assembly.receivedBytes === before) admission.inputBytes.release(holder, length);
    if (!taken.ok && taken.error === 'duplicate') return false;
    if (!taken.ok) drafts.refuse(draft, taken.error, `input stream, chunk ${chunk.seq}`);
    else if (++draft.chunks > FREE_CHUNKS + Number(assembly.receivedBytes) / LEAST_MEAN_CHUNK_BYTES)
      drafts.refuse(
        draft,
        'rate-limited',
        `chunks are too small: send at least ${LEAST_MEAN_CHUNK_BYTES} bytes in each`,
      );
    return true;
  }

  end(peer: NodeId, end: StreamEnd): boolean {
    const { drafts, onInput } = this.#options;
    const draft = drafts.get(jobKey(peer, end.version, end.jobId));
    if (draft?.state === 'awaiting') drafts.refuse(draft, 'invalid-state', 'stream_end without stream_begin');
    if (draft?.state !== 'receiving' || draft.assembly?.streamId !== end.streamId) return false;
    const ended = draft.assembly.end(end.totalBytes, end.sha256);
    draft.state = 'pricing';
    if (ended.ok) onInput(draft, ended);
    else drafts.refuse(draft, ended.error, 'the input does not match its length and hash');
    return true;
  }

  /** A repeat of the stream that made a job is a duplicate; any other stream for that job, or for none, is a mistake. */
  async #strayBegin(peer: NodeId, begin: StreamBegin): Promise<void> {
    const { engine, refusals, admission } = this.#options;
    const key = jobKey(peer, begin.version, begin.jobId);
    if (refusals.has(key) || admission.admit(peer, { kind: 'stray' }) !== undefined) return;
    const job = await engine.job(key);
    if (job?.terms.inputStreamId === begin.streamId) return;
    const why = job === undefined ? 'an input stream needs a request before it' : 'the input of this job was complete';
    refusals.send(peer, begin, 'invalid-state', why);
  }
}
