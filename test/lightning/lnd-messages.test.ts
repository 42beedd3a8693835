import fc from 'fast-check';
import { createRequire } from 'node:module';
import { once } from 'node:events';
import { constants, createServer as createHttp2Server } from 'node:http2';
import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { CustomMessages, decodeMessage, encodeMessage } from '../../src/lightning/lnd/custom-messages.ts';
import type { GrpcError } from '../../src/lightning/lnd/grpc-call.ts';
import { GrpcChannel } from '../../src/lightning/lnd/grpc-channel.ts';
import type { GrpcChannelOptions } from '../../src/lightning/lnd/grpc-channel.ts';
import { codeOfFailure, lndFailure } from '../../src/lightning/lnd/lnd-error.ts';

const PEER = '02'.padEnd(66, 'ab');
const MACAROON = '0201';

interface Asked {
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly stream: ServerHttp2Stream;
}
type Answer = (asked: Asked) => unknown;

const closers: (() => void)[] = [];
afterEach(() => closers.splice(0).forEach((close) => close()));

const portOf = (server: { address(): AddressInfo | string | null }) => (server.address() as AddressInfo).port;

/** An HTTP/2 server that speaks gRPC as `answer` says. */
async function serve(answer: Answer) {
  const server = createHttp2Server();
  const sessions: ServerHttp2Session[] = [];
  server.on('session', (session) => sessions.push(session));
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    void buffer(stream).then(
      (body) => answer({ headers, body, stream }),
      () => undefined, // the call was cancelled
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return { port: portOf(server), sessions };
}

function channelTo(port: number, change: Partial<GrpcChannelOptions> = {}): GrpcChannel {
  const keepalive = { everyMs: 10_000, timeoutMs: 10_000 };
  const [url, windowBytes] = [`http://127.0.0.1:${port}`, 1 << 20];
  const security = { cert: undefined, serverName: undefined, macaroonHex: MACAROON };
  const channel = new GrpcChannel({ url, ...security, callTimeoutMs: 10_000, keepalive, windowBytes, ...change });
  closers.push(() => channel.close());
  return channel;
}

/** Headers, messages if any, and a status behind them. */
function end({ stream }: Asked, status = 0, words = '', messages: readonly Buffer[] = []): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': String(status), 'grpc-message': words }));
  stream.end(Buffer.concat(messages));
}
const framed = (message: Uint8Array): Buffer => {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
};
const refusal = (call: Promise<void>): Promise<GrpcError> =>
  call.then(
    () => Promise.reject(new Error('it was taken')),
    (error: GrpcError) => error,
  );

// The real reader of the real definition.
const ofLightning = createRequire(createRequire(import.meta.url).resolve('lightning'));
const { loadSync } = ofLightning('@grpc/proto-loader') as {
  loadSync: (
    path: string,
    options: object,
  ) => Record<string, Record<string, { requestDeserialize: (bytes: Buffer) => object }>>;
};
const service = loadSync(ofLightning.resolve('./grpc/protos/lightning.proto'), { keepCase: true })['lnrpc.Lightning'];

const messages = fc.record({
  peer: fc.uint8Array({ minLength: 33, maxLength: 33 }).map((bytes) => Buffer.from(bytes).toString('hex')),
  type: fc.integer({ min: 0, max: 65_535 }),
  payload: fc.uint8Array({ minLength: 0, maxLength: 300 }),
});
const encoded = (peer: string, type: number, payload: Uint8Array) => Buffer.concat(encodeMessage(peer, type, payload));

describe("lnd's custom messages as protobuf", () => {
  it('are read by the package lightning as they were given', () => {
    fc.assert(
      fc.property(messages, ({ peer, type, payload }) => {
        const read = service!['SendCustomMessage']!.requestDeserialize(encoded(peer, type, payload));
        // Empty fields are left out by some writers, and put in by others: both read alike.
        expect({ type: 0, ...read }).toMatchObject({
          peer: Buffer.from(peer, 'hex'),
          type,
          data: Buffer.from(payload),
        });
      }),
    );
  });

  it('are read back, past fields that we do not know', () => {
    const unknown = [Buffer.from([0x20, 0xac, 0x02]), Buffer.from([0x2a, 2, 7, 7]), Buffer.alloc(9, 0x31)];
    fc.assert(
      fc.property(messages, fc.subarray(unknown), ({ peer, type, payload }, strange) => {
        const read = decodeMessage(Buffer.concat([...strange, encoded(peer, type, payload), ...strange]));
        expect({ ...read, payload: new Uint8Array(read.payload) }).toEqual({ peer, type, payload });
      }),
    );
  });

  it('that are cut off are refused', () => {
    const whole = encoded(PEER, 40_001, Buffer.from('hello'));
    expect(() => decodeMessage(whole.subarray(0, -1))).toThrow(RangeError);
    expect(() => decodeMessage(Buffer.from([0x0f]))).toThrow(RangeError);
  });
});

describe('a call to lnd', () => {
  it.each([0, 10, 5_000, 65_533])('carries a message of %d bytes, the macaroon and a deadline', async (length) => {
    const asked = Promise.withResolvers<Asked>();
    const { port } = await serve((call) => (asked.resolve(call), end(call)));
    const payload = new Uint8Array(length).fill(7);
    await new CustomMessages(channelTo(port)).send(PEER, 40_001, payload);
    const { headers, body } = await asked.promise;
    expect(headers).toMatchObject({
      ':path': '/lnrpc.Lightning/SendCustomMessage',
      'content-type': 'application/grpc',
      te: 'trailers',
      macaroon: MACAROON,
      'grpc-timeout': '10000m',
    });
    expect(body.equals(framed(encoded(PEER, 40_001, payload)))).toBe(true);
  });

  it('that lnd refuses says why, and means what it means to every other call', async () => {
    const { port } = await serve((call) => end(call, 2, 'peer is not connected%21'));
    const error = await refusal(channelTo(port).tell('/a/b', []));
    expect(error).toMatchObject({ code: 2, details: 'peer is not connected!' });
    expect(codeOfFailure(lndFailure(error))).toBe('peer-offline');
  });

  it('may be refused without an answer', async () => {
    const headers = { ':status': 200, 'grpc-status': '7', 'grpc-message': 'permission denied' };
    const { port } = await serve(({ stream }) => stream.respond(headers, { endStream: true }));
    const error = await refusal(channelTo(port).tell('/a/b', []));
    expect(codeOfFailure(lndFailure(error))).toBe('permission-denied');
  });

  it('is over with its status, though the server leaves it open', async () => {
    const closed = Promise.withResolvers<number>();
    const { port } = await serve(({ stream }) => {
      stream.once('close', () => closed.resolve(stream.rstCode));
      stream.respond({ ':status': 200, 'grpc-status': '0' });
    });
    await channelTo(port).tell('/a/b', []);
    expect(await closed.promise).toBe(constants.NGHTTP2_CANCEL);
  });

  it('that ended as it should is not cancelled', async () => {
    const closed = Promise.withResolvers<number>();
    const { port } = await serve((call) => {
      call.stream.once('close', () => closed.resolve(call.stream.rstCode));
      end(call);
    });
    await channelTo(port).tell('/a/b', []);
    expect(await closed.promise).toBe(constants.NGHTTP2_NO_ERROR);
  });

  it.each(['abc', '', '0, 0'])('whose status is no number (%j) failed for an unknown reason', async (status) => {
    const headers = { ':status': 200, 'grpc-status': status };
    const { port } = await serve(({ stream }) => stream.respond(headers, { endStream: true }));
    expect(await refusal(channelTo(port).tell('/a/b', []))).toMatchObject({ code: 2 });
  });

  it('that something else than lnd answers fails as unavailable', async () => {
    const { port } = await serve(({ stream }) => stream.respond({ ':status': 502 }, { endStream: true }));
    expect(await refusal(channelTo(port).tell('/a/b', []))).toMatchObject({ code: 14, details: 'HTTP status 502' });
  });

  it('ends by itself when lnd does not answer in time', async () => {
    const { port } = await serve(() => undefined);
    const error = await refusal(channelTo(port, { callTimeoutMs: 20 }).tell('/a/b', []));
    expect(error).toMatchObject({ code: 4 });
  });

  it('fails when the connection breaks, and the next one makes a new connection', async () => {
    let answer: Answer = ({ stream }) => stream.session?.destroy();
    const { port, sessions } = await serve((call) => answer(call));
    const channel = channelTo(port);
    expect(codeOfFailure(lndFailure(await refusal(channel.tell('/a/b', []))))).toBe('unavailable');
    answer = (call) => end(call);
    await channel.tell('/a/b', []);
    await channel.tell('/a/b', []);
    expect(sessions).toHaveLength(2);
  });

  it('goes on when lnd says goodbye, and the next one makes a new connection', async () => {
    const asked = Promise.withResolvers<Asked>();
    let answer: Answer = asked.resolve;
    const { port, sessions } = await serve((call) => answer(call));
    const channel = channelTo(port);
    const first = channel.tell('/a/b', []);
    const held = await asked.promise;
    answer = (call) => end(call);
    sessions[0]!.goaway();
    // The goodbye is on its way: until it is there, calls go the old way.
    while (sessions.length === 1) await channel.tell('/a/b', []).catch(() => undefined);
    end(held);
    await first;
  });

  it('fails when nobody listens, and after the channel was closed', async () => {
    const { port } = await serve((call) => end(call));
    const nowhere = createServer().listen(0, '127.0.0.1');
    await once(nowhere, 'listening');
    const closed = portOf(nowhere);
    nowhere.close();
    expect((await refusal(channelTo(closed).tell('/a/b', []))).details).toMatch(/ECONNREFUSED/);
    const channel = channelTo(port);
    await channel.tell('/a/b', []);
    channel.close();
    expect(await refusal(channel.tell('/a/b', []))).toMatchObject({ code: 14 });
  });
});

describe('the stream of messages', () => {
  const told = (channel: GrpcChannel) => {
    const [got, over]: [string[], PromiseWithResolvers<GrpcError | undefined>] = [[], Promise.withResolvers()];
    const stream = new CustomMessages(channel).subscribe(
      (peer, type, payload) => got.push(`${type} ${Buffer.from(payload).toString()} of ${peer}`),
      over.resolve,
    );
    return { got, over: over.promise, cancel: () => stream.cancel() };
  };

  it('tells each message once, in whatever pieces they come', async () => {
    const sizes = fc.array(fc.nat(70), { minLength: 1, maxLength: 8 });
    const cuts = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 8 });
    let pieces: Buffer[] = [];
    const { port } = await serve(async ({ stream }) => {
      stream.respond({ ':status': 200 }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      for (const piece of pieces) await new Promise((resolve) => stream.write(piece, resolve));
      stream.end();
    });
    const channel = channelTo(port);
    await fc.assert(
      fc.asyncProperty(sizes, cuts, async (lengths, lengthsOfPieces) => {
        const texts = lengths.map((length, index) => String(index).repeat(length));
        let rest = Buffer.concat(texts.map((text) => framed(encoded(PEER, 40_001, Buffer.from(text)))));
        pieces = [];
        for (let cut = 0; rest.length > 0; cut++) {
          const length = lengthsOfPieces[cut % lengthsOfPieces.length]!;
          pieces.push(rest.subarray(0, length));
          rest = rest.subarray(length);
        }
        const { got, over } = told(channel);
        expect(await over).toBeUndefined();
        expect(got).toEqual(texts.map((text) => `40001 ${text} of ${PEER}`));
      }),
      { numRuns: 50 },
    );
  });

  it('ends with an error when what comes is no message', async () => {
    const { port } = await serve((call) => end(call, 0, '', [framed(Buffer.from([0x0f]))]));
    expect((await told(channelTo(port)).over)?.details).toMatch(/no protobuf/);
  });

  it.each([
    ['a message is compressed', [1, 0, 0, 0, 3, 1, 2, 3], 'compressed'],
    ['a message is longer than 16 MiB', [0, 1, 0, 0, 1], '16777217 bytes is too large'],
  ])('ends with an error when %s, without waiting for its bytes', async (_what, bytes, why) => {
    const closed: Promise<unknown>[] = [];
    const { port } = await serve(({ stream }) => {
      closed.push(new Promise((resolve) => stream.once('close', resolve)));
      stream.respond({ ':status': 200 });
      stream.write(Buffer.from(bytes));
    });
    const channel = channelTo(port);
    for (const error of [await told(channel).over, await refusal(channel.tell('/a/b', []))]) {
      expect(error?.code).toBe(13);
      expect(error?.details).toContain(why);
    }
    expect(closed).toHaveLength(2);
    await Promise.all(closed);
  });

  it('tells nothing any more once it is cancelled', async () => {
    const asked = Promise.withResolvers<Asked>();
    const { port } = await serve(asked.resolve);
    const { got, over, cancel } = told(channelTo(port));
    await asked.promise;
    cancel();
    await over;
    expect(got).toEqual([]);
  });

  it('ends when the link is dead, though nobody said so', async () => {
    const asked = Promise.withResolvers<void>();
    const { port } = await serve(({ stream }) => (stream.respond({ ':status': 200 }), asked.resolve()));
    const { server, freeze } = await relayTo(port);
    const { over } = told(channelTo(portOf(server), { keepalive: { everyMs: 100, timeoutMs: 100 } }));
    await asked.promise;
    freeze();
    expect((await over)?.details).toBe('no answer to a ping');
  });
});

/** A relay that can fall silent, with its connections open. */
async function relayTo(port: number): Promise<{ server: Server; freeze: () => void }> {
  const sockets: Socket[] = [];
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    sockets.push(near, far);
    for (const socket of [near, far]) socket.on('error', () => undefined);
    near.pipe(far).pipe(near);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { server, freeze: () => sockets.forEach((socket) => socket.unpipe().pause()) };
}
