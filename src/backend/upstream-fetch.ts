import http from 'node:http';
import https from 'node:https';
import { text } from 'node:stream/consumers';
import type { Clock } from '../clock/clock.ts';

/** As much of an error's body as is read, to learn its code. */
const MAX_ERROR_BYTES = 16_384;
const MAX_ERROR_MS = 2_000;
/** Servers close an idle connection without a word (uvicorn after 5 s): leave first, or a job is sent into a closed one. */
const MAX_SOCKET_IDLE_MS = 4_000;
const STATUSES_WITHOUT_BODY = [204, 205, 304];

/** An answer with a body. It has no web stream: one takes as long as the rest of the way until the first byte of an answer is through. */
export class UpstreamResponse extends Response {
  /** The body, to be read once. */
  readonly message: http.IncomingMessage;

  constructor(message: http.IncomingMessage, init: ResponseInit) {
    super(null, init);
    this.message = message;
  }

  override readonly text = (): Promise<string> => text(this.message);

  override readonly json = async (): Promise<unknown> => JSON.parse(await this.text());
}

export interface UpstreamFetch {
  /**
   * Enough of `fetch` for the client libraries: a URL as text, a body of bytes or text, `accept` and `content-type`, a signal. Answers of
   * success that may have a body are an UpstreamResponse.
   */
  readonly fetch: typeof fetch;
  close(): void;
}

/**
 * HTTP for client libraries, where Node's own `fetch` does not serve: that gives up when headers take 300 s, and an answer which is
 * not streamed sends them last. Aborting destroys the socket at once; redirects are not followed; the answer's bytes pass as they
 * arrive. Headers that the libraries add, from the environment for one, go no further than here. The body of an error is cut short.
 */
export function createUpstreamFetch(clock: Clock, apiKey?: string): UpstreamFetch {
  const options = { keepAlive: true, timeout: MAX_SOCKET_IDLE_MS };
  const agents = { http: new http.Agent(options), https: new https.Agent(options) };

  const send = async (input: Parameters<typeof fetch>[0], init: RequestInit = {}): Promise<Response> => {
    const url = new URL(input instanceof Request ? input.url : input);
    const given = new Headers(init.headers);
    const body = init.body instanceof Uint8Array || typeof init.body === 'string' ? Buffer.from(init.body) : undefined;
    const isTls = url.protocol === 'https:';
    const request = (isTls ? https : http).request(url, {
      method: init.method?.toUpperCase() ?? 'GET',
      agent: isTls ? agents.https : agents.http,
      ...(init.signal ? { signal: init.signal } : {}),
      headers: {
        accept: given.get('accept') ?? 'application/json',
        'accept-encoding': 'identity',
        'user-agent': 'lcp-provider',
        ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': body.length }),
        ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
      },
    });
    const message = await new Promise<http.IncomingMessage>((resolve, reject) => {
      request.once('response', resolve);
      request.on('error', reject); // later ones break the message too
      request.end(body);
    });
    return await responseOf(message, clock);
  };
  return {
    fetch: send,
    close: () => {
      agents.http.destroy();
      agents.https.destroy();
    },
  };
}

async function responseOf(message: http.IncomingMessage, clock: Clock): Promise<Response> {
  const status = message.statusCode ?? 0;
  const headers = new Headers();
  for (const name of ['content-type', 'content-encoding', 'content-length']) {
    const value = message.headers[name];
    if (typeof value === 'string') headers.set(name, value);
  }
  if (STATUSES_WITHOUT_BODY.includes(status)) {
    message.resume();
    return new Response(null, { status, headers });
  }
  const isSuccess = status >= 200 && status < 300;
  if (isSuccess) return new UpstreamResponse(message, { status, headers });
  return new Response(await beginningOf(message, clock), { status, headers });
}

/** As much of the body as comes in time: the status is known already, and is told whatever becomes of the body. */
async function beginningOf(message: http.IncomingMessage, clock: Clock): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Buffer[] = [];
  let length = 0;
  const cancel = clock.timer(MAX_ERROR_MS, () => message.destroy());
  try {
    for await (const chunk of message as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      length += chunk.length;
      if (length >= MAX_ERROR_BYTES) break; // which destroys the message
    }
  } catch {
    // cut off: what came before may suffice
  } finally {
    cancel();
  }
  return new Uint8Array(Buffer.concat(chunks));
}
