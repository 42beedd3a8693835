import { createHash, randomBytes } from 'node:crypto';
import type { Job, Terms } from '../../job/job.ts';
import type { TaskKind } from '../../openai/request.ts';
import type { Msat } from '../../money/msat.ts';
import { useCredit } from '../../pricing/price.ts';
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
  readonly maxResultBytes: number;
  /** The buyer's credit: it lowers the price. */
  readonly creditMsat: Msat;
  readonly nowMs: number;
  readonly quoteTtlS: number;
}

/** The job as it is accepted: terms hashed (LCP v0.2 §5.3, v0.3 §5.2), preimage made, nothing asked of the node yet. */
export function makeJob(parts: JobParts): Job {
  const { draft, begin, kind, input, priced, manifest, maxResultBytes, creditMsat, nowMs, quoteTtlS } = parts;
  const preimage = randomBytes(32);
  const params = draft.request.params ?? new Uint8Array();
  const quoteExpiryS = Math.floor(nowMs / 1000) + quoteTtlS;
  const { priceMsat, reservedMsat } = useCredit(priced.breakdown, creditMsat);
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
  return {
    key: draft.key,
    peer: draft.peer,
    version: draft.version,
    jobId: draft.jobId,
    terms,
    work: priced.work,
    breakdown: priced.breakdown,
    limits: { maxPayloadBytes: manifest.maxPayloadBytes, maxResultBytes },
    funding: 'invoicing',
    run: 'none',
    delivery: 'none',
    preimage: preimage.toString('hex'),
    paymentHash: createHash('sha256').update(preimage).digest('hex'),
    paymentMode: priced.paymentMode,
    ...(reservedMsat > 0n && { reservedMsat }),
    attempts: 0,
    cancelled: false,
    acceptedAtMs: nowMs,
    changedAtMs: nowMs,
  };
}

/** Bytes that an answer may have beside its input, by the buyer's manifest and by our own limit on both together; 0: none fits. */
export function resultRoomBytes(manifest: Manifest, inputBytes: number, maxJobBytes: number): number {
  const jobBytes = Math.min(Number(manifest.maxJobBytes), maxJobBytes);
  return Math.max(0, Math.min(Number(manifest.maxStreamBytes), jobBytes - inputBytes));
}
