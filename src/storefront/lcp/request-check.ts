import { MAX_CHUNK_OVERHEAD_BYTES } from '../../protocol/codec.ts';
import type { ErrorName } from '../../protocol/error-code.ts';
import type { Manifest, QuoteRequest } from '../../protocol/messages.ts';
import { decodeModelParams } from '../../protocol/params.ts';
import type { Offer, Refused } from '../offer.ts';

export interface RequestContext {
  /** The buyer's newest manifest in this version. */
  readonly manifest: Manifest | undefined;
  readonly offer: Offer;
  /** What admission says to a quote for it. */
  readonly declined: () => Refused | undefined;
}

/** A quote with its invoice must fit into one message of the buyer's. */
const MIN_PAYLOAD_BYTES = 1_024 + MAX_CHUNK_OVERHEAD_BYTES;

const refuse = (refusal: ErrorName, message: string): Refused => ({ refusal, message });

/** What speaks against a request before its input is there: LCP v0.2 §5.2, v0.3 §5.1. Undefined: nothing. */
export function refuseRequest(
  request: QuoteRequest,
  { manifest, offer, declined }: RequestContext,
): Refused | undefined {
  if (request.protocolVersion !== request.version)
    return refuse('unsupported-version', 'protocol_version does not fit the message type');
  if (manifest === undefined) return refuse('manifest-required', 'send your manifest first');
  if (manifest.maxPayloadBytes < MIN_PAYLOAD_BYTES)
    return refuse(
      'payload-too-large',
      `a quote does not fit into max_payload_bytes: take at least ${MIN_PAYLOAD_BYTES}`,
    );
  const taskKind = offer.taskKinds.find((name) => name === request.taskKind);
  if (taskKind === undefined)
    return refuse('unsupported-task', `not for sale here; on sale: ${offer.taskKinds.join(', ')}`);
  const params = decodeModelParams(request.params ?? new Uint8Array());
  if ('error' in params) return refuse('unsupported-params', `params: ${params.reason}`);
  const availability = offer.availability(taskKind, params.model);
  if (availability === 'away') return refuse('rate-limited', 'this model is away at the moment; try again soon');
  if (availability === 'for other work')
    return refuse('unsupported-task', `this model is not for sale for ${taskKind} here`);
  if (availability !== 'on sale') return refuse('unsupported-task', 'this model is not for sale here');
  return declined();
}

export const isSameRequest = (a: QuoteRequest, b: QuoteRequest): boolean =>
  a.taskKind === b.taskKind && paramsHex(a) === paramsHex(b);

export const paramsHex = ({ params }: QuoteRequest): string => Buffer.from(params ?? []).toString('hex');

export const modelOf = ({ params }: QuoteRequest): string => {
  const decoded = decodeModelParams(params ?? new Uint8Array());
  return 'model' in decoded ? decoded.model : '';
};
