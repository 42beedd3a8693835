import { createHash } from 'node:crypto';
import { bytes32, tu64, u16, utf8NonEmpty } from './coder.ts';
import type { Hex32 } from './hex.ts';
import type { Version } from './messages.ts';
import { ProtocolError } from './protocol-error.ts';
import { optional, recordTable, required } from './record.ts';
import { readTlvStream } from './tlv.ts';

/** What a quote binds its invoice to. */
export interface Terms {
  readonly jobId: Hex32;
  readonly priceMsat: bigint;
  readonly quoteExpiryS: bigint;
  readonly taskKind: string;
  readonly params?: Uint8Array;
  readonly inputSha256: Hex32;
  readonly inputBytes: bigint;
  readonly inputContentType: string;
  readonly inputContentEncoding: string;
  /** v0.3 only: both or neither, as in the quote. */
  readonly responseContentType?: string;
  readonly responseContentEncoding?: string;
}

const inputFields = [
  required(50, 'input_hash', 'inputSha256', bytes32),
  required(51, 'params_hash', 'paramsSha256', bytes32),
  required(52, 'input_len', 'inputBytes', tu64),
  required(53, 'input_content_type', 'inputContentType', utf8NonEmpty),
  required(54, 'input_content_encoding', 'inputContentEncoding', utf8NonEmpty),
] as const;

/** LCP v0.2 §5.3. */
const v2Terms = recordTable([
  required(1, 'protocol_version', 'protocolVersion', u16),
  required(2, 'job_id', 'jobId', bytes32),
  required(3, 'price_msat', 'priceMsat', tu64),
  required(4, 'quote_expiry', 'quoteExpiryS', tu64),
  required(20, 'task_kind', 'taskKind', utf8NonEmpty),
  ...inputFields,
]);

/** LCP v0.3 §5.2.1. */
const v3Terms = recordTable([
  required(1, 'protocol_version', 'protocolVersion', u16),
  required(2, 'call_id', 'jobId', bytes32),
  required(20, 'method', 'taskKind', utf8NonEmpty),
  required(30, 'price_msat', 'priceMsat', tu64),
  required(31, 'quote_expiry', 'quoteExpiryS', tu64),
  ...inputFields,
  optional(55, 'response_content_type', 'responseContentType', utf8NonEmpty),
  optional(56, 'response_content_encoding', 'responseContentEncoding', utf8NonEmpty),
]);

/**
 * The description_hash of the invoice: LCP v0.2 §5.3, v0.3 §5.2.1. Throws ProtocolError on terms that no quote can
 * have; so on v0.2 params which are not a TLV stream. A canonical one hashes as it is: there is no other encoding of it.
 */
export function termsHash(version: Version, terms: Terms): Hex32 {
  const { params = new Uint8Array(), ...rest } = terms;
  if (version === 2) readTlvStream(params);
  if ((terms.responseContentType === undefined) !== (terms.responseContentEncoding === undefined)) {
    throw new ProtocolError('response content type and encoding: both or neither');
  }
  const table = version === 2 ? v2Terms : v3Terms;
  return sha256(table.encode({ ...rest, protocolVersion: version, paramsSha256: sha256(params) }));
}

function sha256(data: Uint8Array): Hex32 {
  return createHash('sha256').update(data).digest('hex');
}
