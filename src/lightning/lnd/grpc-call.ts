import { constants } from 'node:http2';
import type { ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2';
import { GRPC } from './lnd-error.ts';

/** What a call failed with: the shape of grpc-js's errors. */
export class GrpcError extends Error {
  readonly code: number;
  readonly details: string;
  constructor(code: number, details: string) {
    super(details);
    this.name = 'GrpcError';
    this.code = code;
    this.details = details;
  }
}

/** Tells once how a call ended: by the status that the server sent, or by what broke it. Effect: closes what is still open of it then. */
export function whenOver(stream: ClientHttp2Stream, ended: (error: GrpcError | undefined) => void): void {
  let isOver = false;
  let httpStatus: number | undefined;
  let broken: Error | undefined;
  const over = (error: GrpcError | undefined): void => {
    if (!isOver) ended(error);
    isOver = true;
  };
  const read = (headers: IncomingHttpHeaders): void => {
    const status = headers['grpc-status'];
    if (status === undefined) return;
    const code = statusCode(status);
    over(code === 0 ? undefined : new GrpcError(code, words(headers['grpc-message'])));
    if (!stream.closed) stream.close(constants.NGHTTP2_CANCEL);
  };
  stream.on('response', (headers) => {
    httpStatus = headers[':status'];
    read(headers); // an error may come without anything else
  });
  stream.on('trailers', read);
  stream.on('error', (error) => (broken = error));
  stream.on('close', () => {
    if (broken instanceof GrpcError) over(broken);
    else over(new GrpcError(GRPC.unavailable, whyBroken(broken, httpStatus)));
  });
}

/** Node cancels the calls of a connection that broke, with what broke it as the cause. */
function whyBroken(error: Error | undefined, httpStatus = 200): string {
  const cause = error?.cause instanceof Error ? error.cause : error;
  if (cause !== undefined) return cause.message;
  return httpStatus === 200 ? 'the stream ended' : `HTTP status ${httpStatus}`;
}

const statusCode = (status: string | string[]): number =>
  /^\d+$/.test(String(status)) ? Number(status) : GRPC.unknown;

/** grpc-message is percent-encoded. */
function words(encoded: string | string[] | undefined): string {
  const text = String(encoded ?? 'no reason given');
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
