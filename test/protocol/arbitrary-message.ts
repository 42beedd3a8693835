import fc from 'fast-check';
import { chunkMsgId } from '../../src/protocol/codec.ts';
import type { Message, Task, Version } from '../../src/protocol/messages.ts';

const hex32 = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'));
const u64 = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc.bigInt({ min: 0n, max: 70_000n }),
  fc.constantFrom(0n, 1n, 255n, 256n, 2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n),
);
const u64Positive = u64.map((value) => value || 1n);
const u32 = fc.oneof(fc.nat({ max: 300 }), fc.integer({ min: 0, max: 4_294_967_295 }));
const u16 = fc.integer({ min: 0, max: 65_535 });
const text = fc.string({ unit: 'binary', maxLength: 40 });
const textNonEmpty = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 });
const opaque = fc.uint8Array({ maxLength: 300 });

/** A record whose optional fields are each present or absent, never undefined. */
function record<R, O>(
  required: { [K in keyof R]: fc.Arbitrary<R[K]> },
  optional: { [K in keyof O]: fc.Arbitrary<O[K]> },
): fc.Arbitrary<R & Partial<O>> {
  const requiredKeys = Object.keys(required);
  return fc.record(
    { ...required, ...optional },
    { requiredKeys: requiredKeys as never[], noNullPrototype: true },
  ) as fc.Arbitrary<R & Partial<O>>;
}

function task(version: Version): fc.Arbitrary<Task> {
  if (version === 2) return record({ taskKind: textNonEmpty }, { paramsTemplate: opaque });
  const list = fc.array(text, { maxLength: 4 });
  return record(
    { taskKind: textNonEmpty },
    {
      requestContentTypes: list,
      responseContentTypes: list,
      docsUri: textNonEmpty,
      docsSha256: hex32,
      policyNotice: textNonEmpty,
    },
  );
}

/** Any message of a version which the codec must carry. */
export function arbitraryMessage(version: Version): fc.Arbitrary<Message> {
  const common = { version: fc.constant(version), protocolVersion: fc.oneof(fc.constant<number>(version), u16) };
  const head = { ...common, jobId: hex32, msgId: hex32, expiryS: u64 };
  const kind = <K extends string>(name: K) => fc.constant(name);
  const content = { contentType: textNonEmpty, contentEncoding: textNonEmpty };
  const stream = record({ streamId: hex32, sha256: hex32, totalBytes: u64, ...content }, {});
  const quote = record(
    {
      kind: kind('quote'),
      ...head,
      priceMsat: u64,
      quoteExpiryS: u64,
      termsHash: hex32,
      paymentRequest: textNonEmpty,
    },
    {},
  );
  const response = record({ responseContentType: textNonEmpty, responseContentEncoding: textNonEmpty }, {});
  const ended = record(
    { kind: kind('result'), ...head, status: fc.constantFrom('failed' as const, 'cancelled' as const) },
    { message: text, ...(version === 3 ? { stream } : {}) },
  );
  return fc.oneof(
    record(
      {
        kind: kind('manifest'),
        ...common,
        maxPayloadBytes: u32.map((value) => value || 1),
        maxStreamBytes: u64Positive,
        maxJobBytes: u64Positive,
        tasks: fc.array(task(version), { maxLength: 4 }),
      },
      { maxInflightJobs: u16 },
    ),
    record(
      { kind: kind('quote-request'), ...head, taskKind: textNonEmpty },
      { params: opaque, ...(version === 3 ? { paramsContentType: textNonEmpty } : {}) },
    ),
    version === 3
      ? fc.oneof(
          quote,
          fc.tuple(quote, response).map(([a, b]) => ({ ...a, ...b })),
        )
      : quote,
    record(
      {
        kind: kind('stream-begin'),
        ...head,
        streamId: hex32,
        streamKind: fc.constantFrom('input' as const, 'result' as const),
        ...content,
      },
      { totalBytes: u64, sha256: hex32 },
    ),
    record({ kind: kind('stream-chunk'), ...head, streamId: hex32, seq: u32, data: opaque }, {}).map((chunk) => ({
      ...chunk,
      msgId: chunkMsgId(chunk.streamId, chunk.seq),
    })),
    record({ kind: kind('stream-end'), ...head, streamId: hex32, totalBytes: u64, sha256: hex32 }, {}),
    record({ kind: kind('result'), ...head, status: fc.constant('ok' as const), stream }, {}),
    ended,
    record({ kind: kind('cancel'), ...head }, { reason: text }),
    record({ kind: kind('error'), ...head, code: u16.map((value) => value || 1) }, { message: text }),
  );
}
