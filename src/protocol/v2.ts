import { bytes, bytes32, positive, tu32, tu64, u16, utf8NonEmpty } from './coder.ts';
import { listOf } from './list-coder.ts';
import { manifestTable } from './manifest-table.ts';
import { envelope, sharedTables, type MessageTables } from './message-tables.ts';
import { forbidden, optional, recordTable, required } from './record.ts';
import { resultTable } from './result-table.ts';

const head = envelope('job_id');

/** One element of supported_tasks: LCP v0.2 §5.1. Unknown types are ignored, as in every TLV stream of LCP. */
const taskTemplate = recordTable([
  required(20, 'task_kind', 'taskKind', utf8NonEmpty),
  optional(22, 'params_template', 'paramsTemplate', bytes),
]);

/** LCP v0.2 §5. */
export const v2: MessageTables = {
  ...sharedTables(head),
  // §5.1
  manifest: manifestTable(
    recordTable([
      required(1, 'protocol_version', 'protocolVersion', u16),
      forbidden(2, 'job_id'),
      forbidden(3, 'msg_id'),
      forbidden(4, 'expiry'),
      required(11, 'max_payload_bytes', 'maxPayloadBytes', positive(tu32)),
      optional(12, 'supported_tasks', 'tasks', listOf(taskTemplate)),
      required(14, 'max_stream_bytes', 'maxStreamBytes', positive(tu64)),
      required(15, 'max_job_bytes', 'maxJobBytes', positive(tu64)),
      optional(16, 'max_inflight_jobs', 'maxInflightJobs', u16),
    ]),
  ),
  // §5.2
  'quote-request': recordTable([
    ...head,
    required(20, 'task_kind', 'taskKind', utf8NonEmpty),
    optional(22, 'params', 'params', bytes),
  ]),
  // §5.3
  quote: recordTable([
    ...head,
    required(30, 'price_msat', 'priceMsat', tu64),
    required(31, 'quote_expiry', 'quoteExpiryS', tu64),
    required(32, 'terms_hash', 'termsHash', bytes32),
    required(33, 'payment_request', 'paymentRequest', utf8NonEmpty),
  ]),
  // §5.4
  result: resultTable(2, head),
};
