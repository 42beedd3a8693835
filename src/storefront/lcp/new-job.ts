import { createHash, randomBytes } from 'node:crypto';
import type { Job, Terms } from '../../job/job.ts';
import type { TaskKind } from '../../openai/request.ts';
import type { Manifest, StreamBegin } from '../../protocol/messages.ts';
import type { AssembledStream } from '../../protocol/stream-assembly.ts';
import { termsHash } from '../../protocol/terms.ts';
import type { Priced } from '../offer.ts';
import type { Draft } from './drafts.ts';

export interface JobParts {
  readonly draft: Draft;
  readonly begin: StreamBegin;
  readonly kind: TaskKind;
  readonly input: AssembledStream;
  readonly priced: Priced;
  readonly manifest: Manifest;
  readonly nowMs: number;
  readonly quoteTtlS: number;
  /** Our own limit on input and result together. */
  readonly maxJobBytes: number;
}

/** The job as it is accepted: terms hashed (LCP v0.2 §5.3, v0.3 §5.2), preimage made, nothing asked of the node yet. */
export function makeJob({ draft, begin, kind, input, priced, manifest, nowMs, quoteTtlS, maxJobBytes }: JobParts): Job {
  const preimage = randomBytes(32);
  const params = draft.request.params ?? new Uint8Array();
  const quoteExpiryS = Math.floor(nowMs / 1000) + quoteTtlS;
  const { priceMsat } = priced.breakdown;
  const terms: Terms = {
    taskKind: kind,
    paramsHex: Buffer.from(params).toString('hex'),
    inputStreamId: begin.streamId,
    inputSha256: input.sha256,
    inputBytes: input.data.length,
    inputContentType: begin.contentType,
    inputContentEncoding: begin.contentEncoding,
    priceMsat,
    quoteExpiryS,
    termsHash: termsHash(draft.version, {
      jobId: draft.jobId,
      priceMsat,
      quoteExpiryS: BigInt(quoteExpiryS),
      taskKind: kind,
      ...(draft.request.params === undefined ? {} : { params }),
      inputSha256: input.sha256,
      inputBytes: input.totalBytes,
      inputContentType: begin.contentType,
      inputContentEncoding: begin.contentEncoding,
    }),
  };
  const jobBytes = Math.min(Number(manifest.maxJobBytes), maxJobBytes);
  return {
    key: draft.key,
    peer: draft.peer,
    version: draft.version,
    jobId: draft.jobId,
    terms,
    work: priced.work,
    breakdown: priced.breakdown,
    limits: {
      maxPayloadBytes: manifest.maxPayloadBytes,
      maxResultBytes: Math.max(0, Math.min(Number(manifest.maxStreamBytes), jobBytes - input.data.length)),
    },
    funding: 'invoicing',
    run: 'none',
    delivery: 'none',
    preimage: preimage.toString('hex'),
    paymentHash: createHash('sha256').update(preimage).digest('hex'),
    attempts: 0,
    cancelled: false,
    acceptedAtMs: nowMs,
    changedAtMs: nowMs,
  };
}
