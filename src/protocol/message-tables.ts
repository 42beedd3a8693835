import { bytes32, bytesView, choice, positive, refined, tu32, tu64, u16, utf8, utf8NonEmpty } from './coder.ts';
import type { Coder } from './coder.ts';
import { chunkMsgId } from './chunk.ts';
import type { Body, Kind } from './messages.ts';
import { optional, recordTable, required } from './record.ts';

/** A version's codec: one coder for each kind of message. That it has every field of the message, the compiler checks. */
export type MessageTables = { readonly [K in Kind]: Coder<Body<K>> };

/** LCP v0.2 §4.2, v0.3 §3.5: the two versions differ in what they call the job. */
export function envelope(jobIdName: 'job_id' | 'call_id') {
  return [
    required(1, 'protocol_version', 'protocolVersion', u16),
    required(2, jobIdName, 'jobId', bytes32),
    required(3, 'msg_id', 'msgId', bytes32),
    required(4, 'expiry', 'expiryS', tu64),
  ] as const;
}

/** The messages that are the same in both versions, but for the name of the job. */
export function sharedTables(head: ReturnType<typeof envelope>) {
  return {
    // LCP v0.2 §5.5.3, v0.3 §6.3
    'stream-begin': recordTable([
      ...head,
      required(90, 'stream_id', 'streamId', bytes32),
      required(91, 'stream_kind', 'streamKind', choice({ input: 1, result: 2 })),
      optional(92, 'total_len', 'totalBytes', tu64),
      optional(93, 'sha256', 'sha256', bytes32),
      required(94, 'content_type', 'contentType', utf8NonEmpty),
      required(95, 'content_encoding', 'contentEncoding', utf8NonEmpty),
    ]),
    // LCP v0.2 §5.5.4, v0.3 §6.4
    'stream-chunk': refined(
      recordTable([
        ...head,
        required(90, 'stream_id', 'streamId', bytes32),
        required(96, 'seq', 'seq', tu32),
        required(97, 'data', 'data', bytesView),
      ]),
      (chunk) => (chunk.msgId === chunkMsgId(chunk.streamId, chunk.seq) ? undefined : 'msg_id: not of this chunk'),
    ),
    // LCP v0.2 §5.5.5, v0.3 §6.5
    'stream-end': recordTable([
      ...head,
      required(90, 'stream_id', 'streamId', bytes32),
      required(92, 'total_len', 'totalBytes', tu64),
      required(93, 'sha256', 'sha256', bytes32),
    ]),
    // LCP v0.2 §5.6, v0.3 §8.1
    cancel: recordTable([...head, optional(70, 'reason', 'reason', utf8)]),
    // LCP v0.2 §5.7, v0.3 §8.2
    error: recordTable([
      ...head,
      required(80, 'code', 'code', positive(u16)),
      optional(81, 'message', 'message', utf8),
    ]),
  } as const satisfies Partial<MessageTables>;
}
