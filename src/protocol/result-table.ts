import { bytes32, choice, tu64, utf8, utf8NonEmpty } from './coder.ts';
import type { Coder } from './coder.ts';
import type { envelope } from './message-tables.ts';
import type { Body, ResultStream, Version } from './messages.ts';
import { ProtocolError } from './protocol-error.ts';
import { optional, recordTable, required, type RecordOf } from './record.ts';

type FlatResult = RecordOf<ReturnType<typeof fields>>;

function fields(head: ReturnType<typeof envelope>, stream: 'result' | 'response') {
  return [
    ...head,
    optional(81, 'message', 'message', utf8),
    required(100, 'status', 'status', choice({ ok: 0, failed: 1, cancelled: 2 })),
    optional(101, `${stream}_stream_id`, 'streamId', bytes32),
    optional(102, `${stream}_hash`, 'sha256', bytes32),
    optional(103, `${stream}_len`, 'totalBytes', tu64),
    optional(104, `${stream}_content_type`, 'contentType', utf8NonEmpty),
    optional(105, `${stream}_content_encoding`, 'contentEncoding', utf8NonEmpty),
  ] as const;
}

/**
 * LCP v0.2 §5.4, v0.3 §5.3. A result that is ok has its stream and no message. One that is not may have a message;
 * and in v0.3 a stream, in v0.2 not one TLV of it.
 */
export function resultTable(version: Version, head: ReturnType<typeof envelope>): Coder<Body<'result'>> {
  const table = recordTable(fields(head, version === 2 ? 'result' : 'response'));
  return {
    decode(payload) {
      const flat = table.decode(payload);
      const { protocolVersion, jobId, msgId, expiryS, status, message } = flat;
      const stream = streamOf(flat);
      // A v0.2 reader drops the message of a result that is ok, a v0.3 reader drops such a result.
      const dropped = version === 2 && status === 'ok';
      return checked(version, {
        protocolVersion,
        jobId,
        msgId,
        expiryS,
        status,
        ...(stream === undefined ? {} : { stream }),
        ...(message === undefined || dropped ? {} : { message }),
      });
    },
    encode(result) {
      const { stream, ...rest } = checked(version, result);
      const flat: FlatResult = { ...rest, ...stream };
      streamOf(flat);
      return table.encode(flat);
    },
  };
}

/** TLV 101 to 105: all or none. */
function streamOf(flat: FlatResult): ResultStream | undefined {
  const { streamId, sha256, totalBytes, contentType, contentEncoding } = flat;
  const parts = [streamId, sha256, totalBytes, contentType, contentEncoding];
  if (parts.every((part) => part === undefined)) return undefined;
  if (
    streamId === undefined ||
    sha256 === undefined ||
    totalBytes === undefined ||
    contentType === undefined ||
    contentEncoding === undefined
  ) {
    throw new ProtocolError('has a part of the stream metadata only');
  }
  return { streamId, sha256, totalBytes, contentType, contentEncoding };
}

function checked(version: Version, result: Body<'result'>): Body<'result'> {
  if (result.status === 'ok') {
    if (result.stream === undefined) throw new ProtocolError('status ok without stream metadata');
    if (result.message !== undefined) throw new ProtocolError('status ok with a message');
  } else if (version === 2 && result.stream !== undefined) {
    throw new ProtocolError(`status ${result.status} with stream metadata`);
  }
  return result;
}
