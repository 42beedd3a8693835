import { bytes, bytes32, positive, refined, tu32, tu64, u16, utf8NonEmpty } from './coder.ts';
import { listOf, stringList } from './list-coder.ts';
import { manifestTable } from './manifest-table.ts';
import { envelope, sharedTables, type MessageTables } from './message-tables.ts';
import { forbidden, optional, recordTable, required } from './record.ts';
import { resultTable } from './result-table.ts';

const head = envelope('call_id');

/** One element of supported_methods: LCP v0.3 §4.2. */
const methodDescriptor = recordTable([
  required(20, 'method', 'taskKind', utf8NonEmpty),
  optional(23, 'request_content_types', 'requestContentTypes', stringList),
  optional(24, 'response_content_types', 'responseContentTypes', stringList),
  optional(26, 'docs_uri', 'docsUri', utf8NonEmpty),
  optional(27, 'docs_sha256', 'docsSha256', bytes32),
  optional(28, 'policy_notice', 'policyNotice', utf8NonEmpty),
]);

/** LCP v0.3 §4 to §8. */
export const v3: MessageTables = {
  ...sharedTables(head),
  // §4.1, §4.2
  manifest: manifestTable(
    recordTable([
      required(1, 'protocol_version', 'protocolVersion', u16),
      forbidden(2, 'call_id'),
      forbidden(3, 'msg_id'),
      forbidden(4, 'expiry'),
      required(11, 'max_payload_bytes', 'maxPayloadBytes', positive(tu32)),
      optional(12, 'supported_methods', 'tasks', listOf(methodDescriptor)),
      required(14, 'max_stream_bytes', 'maxStreamBytes', positive(tu64)),
      required(15, 'max_call_bytes', 'maxJobBytes', positive(tu64)),
      optional(16, 'max_inflight_calls', 'maxInflightJobs', u16),
    ]),
  ),
  // lcp_call, §5.1
  'quote-request': recordTable([
    ...head,
    required(20, 'method', 'taskKind', utf8NonEmpty),
    optional(22, 'params', 'params', bytes),
    optional(25, 'params_content_type', 'paramsContentType', utf8NonEmpty),
  ]),
  // §5.2
  quote: refined(
    recordTable([
      ...head,
      required(30, 'price_msat', 'priceMsat', tu64),
      required(31, 'quote_expiry', 'quoteExpiryS', tu64),
      required(32, 'terms_hash', 'termsHash', bytes32),
      required(33, 'payment_request', 'paymentRequest', utf8NonEmpty),
      optional(34, 'response_content_type', 'responseContentType', utf8NonEmpty),
      optional(35, 'response_content_encoding', 'responseContentEncoding', utf8NonEmpty),
    ]),
    ({ responseContentType, responseContentEncoding }) =>
      (responseContentType === undefined) === (responseContentEncoding === undefined)
        ? undefined
        : 'response_content_type and response_content_encoding: both or neither',
  ),
  // lcp_complete, §5.3
  result: resultTable(3, head),
};
