import { connect, constants } from 'node:http2';
import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2';
import { GrpcError, whenOver } from './grpc-call.ts';
import { messagesIn, sendMessage } from './grpc-frames.ts';
import { GRPC } from './lnd-error.ts';

export interface GrpcChannelOptions {
  /** https://host:port. */
  readonly url: string;
  /** PEM. Absent: the authorities that the system trusts. */
  readonly cert: Buffer | undefined;
  /** The name that the certificate must be for, where it is not the host. */
  readonly serverName: string | undefined;
  readonly macaroonHex: string;
  readonly callTimeoutMs: number;
  readonly keepalive: { readonly everyMs: number; readonly timeoutMs: number };
  readonly windowBytes: number;
}

/** HTTP/2 numbers the calls of a connection with the odd numbers of 31 bits; at 500 a second they last 25 days. */
const MAX_CALLS = 2 ** 30 - 1;

/**
 * gRPC over HTTP/2, for what is called so often that a general client is too dear: calls as in the protocol (HEADERS, one message, trailers),
 * without name resolution, balancing, retries and filters. One connection, made at the first call and again after it broke; a call on a
 * broken one fails with `unavailable`.
 */
export class GrpcChannel {
  readonly #options: GrpcChannelOptions;
  #link: Link | undefined;
  #isClosed = false;

  constructor(options: GrpcChannelOptions) {
    this.#options = options;
  }

  /** A call whose answer says nothing but that it was done. `message`: the parts of the encoded message, which are not copied. Rejects with GrpcError. */
  tell(path: string, message: readonly Uint8Array[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const stream = this.#begin(path, message, this.#options.callTimeoutMs);
      // The server has the same deadline; this one is for a server that is gone.
      const timer = setTimeout(
        () => stream.destroy(new GrpcError(GRPC.deadlineExceeded, 'Deadline exceeded')),
        this.#options.callTimeoutMs,
      );
      readMessages(stream, () => {});
      whenOver(stream, (error) => {
        clearTimeout(timer);
        if (error === undefined) resolve();
        else reject(error);
      });
    });
  }

  /** A call with a stream of answers; `take` gets each message, `ended` the error once, or undefined. Returns what cancels it. */
  subscribe(
    path: string,
    take: (message: Buffer) => void,
    ended: (error: GrpcError | undefined) => void,
  ): { cancel(): void } {
    const stream = this.#begin(path, []);
    let isOpen = true;
    readMessages(stream, (message) => isOpen && take(message));
    whenOver(stream, ended);
    const cancel = (): void => {
      isOpen = false;
      stream.close(constants.NGHTTP2_CANCEL);
    };
    return { cancel };
  }

  /** What is under way goes on to its end; nothing may follow. */
  close(): void {
    this.#isClosed = true;
    this.#link?.session.close();
  }

  #begin(path: string, message: readonly Uint8Array[], timeoutMs?: number): ClientHttp2Stream {
    const link = this.#connected();
    const stream = link.session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      macaroon: this.#options.macaroonHex,
      ...(timeoutMs === undefined ? {} : { 'grpc-timeout': `${timeoutMs}m` }),
    });
    // Only a call holds the process.
    if (link.calls++ === 0) link.session.ref();
    stream.once('close', () => {
      if (--link.calls === 0) link.session.unref();
    });
    sendMessage(stream, message);
    return stream;
  }

  #connected(): Link {
    if (this.#isClosed) throw new GrpcError(GRPC.unavailable, 'the connection has been closed');
    const known = this.#link;
    if (known !== undefined && !known.session.closed && !known.session.destroyed) {
      if (known.begun++ < MAX_CALLS) return known;
      known.session.close(); // with its last call
    }
    const { url, cert, serverName, windowBytes } = this.#options;
    const session = connect(url, {
      ...(cert && { ca: cert }),
      ...(serverName !== undefined && { servername: serverName }),
      settings: { enablePush: false, initialWindowSize: windowBytes },
      maxSessionMemory: Number.MAX_SAFE_INTEGER, // who sends bounds what may wait
    });
    const link: Link = { session, calls: 0, begun: 1 };
    this.#link = link;
    const forget = (): void => {
      if (this.#link === link) this.#link = undefined;
    };
    session.on('goaway', forget);
    session.on('error', forget); // its calls are told
    session.once('connect', () => session.setLocalWindowSize(windowBytes));
    this.#keepAlive(link);
    return link;
  }

  /** Notices a link that is dead. None without calls: lnd disconnects whoever pings then. */
  #keepAlive(link: Link): void {
    const { session } = link;
    const { everyMs, timeoutMs } = this.#options.keepalive;
    const timer = setInterval(() => {
      if (session.connecting) session.destroy(new Error('no connection in time'));
      if (session.destroyed || link.calls === 0) return;
      const late = setTimeout(() => session.destroy(new Error('no answer to a ping')), timeoutMs).unref();
      session.ping(() => clearTimeout(late));
    }, everyMs).unref();
    session.once('close', () => clearInterval(timer));
  }
}

/** A call that is answered by something else than messages has failed. */
function readMessages(stream: ClientHttp2Stream, take: (message: Buffer) => unknown): void {
  const read = messagesIn(take);
  stream.on('data', (piece: Buffer) => {
    try {
      read(piece);
    } catch (error) {
      stream.destroy(new GrpcError(GRPC.internal, String(error)));
    }
  });
}

interface Link {
  readonly session: ClientHttp2Session;
  /** Under way. */
  calls: number;
  /** Since it was made. */
  begun: number;
}
