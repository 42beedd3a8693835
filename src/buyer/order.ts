import { createHash, randomBytes } from 'node:crypto';
import type { NodeId } from '../lightning/lightning.ts';
import type { Msat } from '../money/msat.ts';
import { IDENTITY_ENCODING, JSON_CONTENT_TYPE } from '../protocol/content-type.ts';
import { encodeModelParams } from '../protocol/params.ts';
import type { Version } from '../protocol/messages.ts';

export interface OrderRequest {
  readonly peer: NodeId;
  readonly version: Version;
  readonly taskKind: string;
  readonly model: string;
  /** The JSON body, UTF-8. */
  readonly input: Uint8Array;
  readonly maxPriceMsat: Msat;
}

/** A request with everything that its terms will name. */
export interface Order extends OrderRequest {
  readonly jobId: string;
  readonly params: Uint8Array;
  readonly inputStreamId: string;
  readonly inputSha256: string;
  readonly inputContentType: string;
  readonly inputContentEncoding: string;
}

const newId = (): string => randomBytes(32).toString('hex');

export function makeOrder(request: OrderRequest): Order {
  return {
    ...request,
    jobId: newId(),
    params: encodeModelParams(request.model),
    inputStreamId: newId(),
    inputSha256: createHash('sha256').update(request.input).digest('hex'),
    inputContentType: JSON_CONTENT_TYPE,
    inputContentEncoding: IDENTITY_ENCODING,
  };
}
