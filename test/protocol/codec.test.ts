import { describe, expect, test } from 'vitest';
import {
  chunkMsgId,
  decodeMessage,
  encodeMessage,
  isOurs,
  MAX_CHUNK_OVERHEAD_BYTES,
  MAX_PAYLOAD_BYTES,
  messageType,
  ProtocolError,
} from '../../src/protocol/codec.ts';
import type { Kind, Message, StreamChunk, Version } from '../../src/protocol/messages.ts';
import { fromHex, readVectors, toHex, type MessageVector, type RefusedVector } from './vectors.ts';

const vectors = [
  ...readVectors<MessageVector>('v0.2-messages.json'),
  ...readVectors<MessageVector>('v0.3-messages.json'),
];
const versions: readonly Version[] = [2, 3];
const kinds: readonly Kind[] = [
  ...(['manifest', 'quote-request', 'quote', 'result', 'stream-begin', 'stream-chunk', 'stream-end'] as const),
  ...(['cancel', 'error'] as const),
];

function vector(name: string): MessageVector {
  const found = vectors.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`no vector ${name}`);
  return found;
}

function chunk(version: Version, bytes: number, fields: Partial<StreamChunk> = {}): StreamChunk {
  const streamId = 'ab'.repeat(32);
  const seq = fields.seq ?? 0;
  const head = { version, protocolVersion: version, jobId: '01'.repeat(32), expiryS: 2n ** 32n - 1n };
  const data = new Uint8Array(bytes).fill(7);
  return { kind: 'stream-chunk', ...head, msgId: chunkMsgId(streamId, seq), streamId, seq, data, ...fields };
}

describe('a payload of the vectors', () => {
  test.each(vectors)('$name decodes to its message', ({ type, payload, message }) => {
    expect(decodeMessage(type, fromHex(payload))).toStrictEqual(message);
  });

  test.each(vectors.filter(({ decodeOnly }) => !decodeOnly))('$name is what its message encodes to', (known) => {
    const { type, payload } = encodeMessage(known.message);
    expect([type, toHex(payload)]).toEqual([known.type, known.payload]);
  });

  test('decodes the same from a Buffer in the middle of a larger one', () => {
    for (const { type, payload, message } of vectors) {
      const buffer = Buffer.concat([Buffer.alloc(13, 0xff), Buffer.from(payload, 'hex'), Buffer.alloc(7, 0xff)]);
      expect(decodeMessage(type, buffer.subarray(13, -7))).toStrictEqual(message);
    }
  });

  test('exists for every kind of message in both versions', () => {
    const covered = new Set(vectors.map(({ message }) => `${message.version} ${message.kind}`));
    expect(covered.size).toBe(versions.length * kinds.length);
  });
});

test.each(readVectors<RefusedVector>('refused-messages.json'))('refused: $why', ({ type, payload, reason }) => {
  const decoded = decodeMessage(type, fromHex(payload));
  expect(decoded).toEqual({ kind: 'undecodable', reason: expect.stringContaining(reason) });
});

describe('a message type', () => {
  test('that LCP does not use is not ours, whatever its payload', () => {
    for (const type of [0, 16, 42_080, 42_082, 42_099, 42_100, 42_102, 42_119, 65_535, 65_536, -1, NaN, 42_081.5]) {
      expect(isOurs(type)).toBe(false);
      expect(decodeMessage(type, new Uint8Array(3))).toEqual({ kind: 'not-ours' });
    }
  });

  test('of LCP is odd, so that a peer which does not know it ignores it', () => {
    const types = versions.flatMap((version) => kinds.map((kind) => messageType(version, kind)));
    expect(types.every((type) => isOurs(type) && type % 2 === 1)).toBe(true);
    expect(new Set(types).size).toBe(18);
    expect([Math.min(...types), Math.max(...types)]).toEqual([42_081, 42_117]);
  });
});

describe('a chunk', () => {
  test('is decoded without a copy of its data', () => {
    const { type, payload } = encodeMessage(chunk(2, 60_000));
    const decoded = decodeMessage(type, payload) as StreamChunk;
    expect(decoded.data.buffer).toBe(payload.buffer);
    expect(decoded.data).toHaveLength(60_000);
  });

  test('takes at most the overhead beside its data, and at the largest seq and expiry of today exactly that', () => {
    for (const version of versions) {
      const { payload } = encodeMessage(chunk(version, 16_384, { seq: 4_294_967_295 }));
      expect(payload).toHaveLength(16_384 + MAX_CHUNK_OVERHEAD_BYTES);
    }
  });

  test('fills a Lightning message to the last byte, and no more', () => {
    const full = chunk(3, MAX_PAYLOAD_BYTES - MAX_CHUNK_OVERHEAD_BYTES, { seq: 4_294_967_295 });
    expect(encodeMessage(full).payload).toHaveLength(MAX_PAYLOAD_BYTES);
    const over = { ...full, data: new Uint8Array(full.data.length + 1) };
    expect(() => encodeMessage(over)).toThrow(ProtocolError);
  });

  test('has the msg_id which the specification derives from stream_id and seq', () => {
    expect(chunkMsgId('00'.repeat(32), 0)).toBe('6db65fd59fd356f6729140571b5bcd6bb3b83492a16e1bf0a3884442fc3c8a0e');
  });
});

test('a payload longer than a Lightning message is refused', () => {
  const known = vector('v0.2 cancel');
  const padding = `48fdffff${'00'.repeat(65_535)}`;
  expect(decodeMessage(known.type, fromHex(known.payload + padding))).toMatchObject({ kind: 'undecodable' });
});

test('params are a copy, which does not keep the payload alive', () => {
  const known = vector('v0.2 quote request with params');
  const payload = fromHex(known.payload);
  const decoded = decodeMessage(known.type, payload);
  expect(decoded.kind === 'quote-request' && decoded.params?.buffer).not.toBe(payload.buffer);
});

describe('encoding refuses', () => {
  const refused: [string, string, Record<string, unknown>][] = [
    ['a job id that is not hex', 'v0.2 cancel', { jobId: 'zz'.repeat(32) }],
    ['a job id in upper case', 'v0.2 cancel', { jobId: 'AB'.repeat(32) }],
    ['a short msg id', 'v0.2 cancel', { msgId: '11' }],
    ['a negative expiry', 'v0.2 cancel', { expiryS: -1n }],
    ['an expiry beyond 64 bits', 'v0.2 cancel', { expiryS: 2n ** 64n }],
    ['a lone surrogate', 'v0.2 cancel', { reason: 'a\ud800' }],
    ['a missing field', 'v0.2 cancel', { expiryS: undefined }],
    ['error code 0', 'v0.2 error', { code: 0 }],
    ['an error code beyond 16 bits', 'v0.2 error', { code: 65_536 }],
    ['an error code that is not whole', 'v0.2 error', { code: 1.5 }],
    ['an unknown status', 'v0.2 result failed', { status: 'toString' }],
    ['an unknown stream kind', 'v0.2 stream begin, input', { streamKind: 'both' }],
    ['a zero limit', 'v0.2 manifest with bare tasks', { maxStreamBytes: 0n }],
    [
      '1,025 tasks',
      'v0.2 manifest with bare tasks',
      { tasks: Array.from({ length: 1_025 }, () => ({ taskKind: 'x' })) },
    ],
    ['a manifest with a job id', 'v0.2 manifest with bare tasks', { jobId: '11'.repeat(32) }],
    ['an empty task kind', 'v0.2 quote request with params', { taskKind: '' }],
    ['a params content type in v0.2', 'v0.2 quote request with params', { paramsContentType: 'text/plain' }],
    ['response types in v0.2', 'v0.2 quote', { responseContentType: 'a', responseContentEncoding: 'b' }],
    ['docs in a v0.2 template', 'v0.2 manifest with bare tasks', { tasks: [{ taskKind: 'x', docsUri: 'u' }] }],
    [
      'a template in a v0.3 method',
      'v0.3 manifest with bare tasks',
      { tasks: [{ taskKind: 'x', paramsTemplate: fromHex('') }] },
    ],
    ['one of two response types', 'v0.3 quote', { responseContentType: 'a' }],
    ['a chunk with another msg id', 'v0.3 first chunk', { msgId: '11'.repeat(32) }],
    ['ok without a stream', 'v0.3 result ok', { stream: undefined }],
    ['ok with a message', 'v0.2 result ok', { message: 'done' }],
    ['failed with a stream in v0.2', 'v0.2 result ok', { status: 'failed' }],
    ['half a stream', 'v0.3 result ok', { status: 'failed', stream: { streamId: '11'.repeat(32) } }],
  ];

  test.each(refused)('%s', (_what, name, change) => {
    expect(() => encodeMessage({ ...vector(name).message, ...change } as Message)).toThrow(ProtocolError);
  });

  test('nothing for an optional field that is undefined', () => {
    const { message, payload } = vector('v0.2 cancel');
    const written = encodeMessage({
      ...message,
      reason: undefined,
      paramsContentType: undefined,
    } as unknown as Message);
    expect(toHex(written.payload)).toBe(payload);
  });
});
