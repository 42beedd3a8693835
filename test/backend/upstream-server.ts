import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly response: ServerResponse;
  /** Resolves once the connection is gone before the answer was complete. */
  readonly gone: Promise<unknown>;
}

export interface Upstream {
  readonly origin: string;
  readonly seen: readonly Seen[];
  /** The next call that has not been asked for yet, complete with its body. */
  next(): Promise<Seen>;
}

/** A real HTTP server on this machine, for one test. `answer` absent: the test answers what `next` promises. */
export async function upstreamServer(answer?: (call: Seen) => void): Promise<Upstream> {
  const seen: Seen[] = [];
  let asked = 0;
  const hearing = new Set<() => void>();
  const take = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const gone = once(response, 'close');
    const chunks: Buffer[] = [];
    for await (const chunk of message as AsyncIterable<Buffer>) chunks.push(chunk);
    const { method = '', url = '', headers } = message;
    const call = { method, path: url, headers, body: Buffer.concat(chunks), response, gone };
    seen.push(call);
    answer?.(call);
    for (const hear of hearing) hear();
  };
  const server = createServer((message, response) => void take(message, response).catch(() => undefined));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    next: () =>
      new Promise((resolve) => {
        const index = asked++;
        const hear = () => {
          const call = seen[index];
          if (call === undefined) return;
          hearing.delete(hear);
          resolve(call);
        };
        hearing.add(hear);
        hear();
      }),
  };
}

export const json = (call: Seen, status: number, body: unknown): void => {
  call.response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};
