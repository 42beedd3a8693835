import { createHash } from 'node:crypto';
import { createServer, request as send } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** A request for an answer that passed, with exactly the bytes of the answer. */
export type Recorded = { readonly path: string; readonly asked: string; readonly answered: Buffer };

/** Stands before a real server and hands everything through; what was asked of /v1 is recorded. */
export type RecordingProxy = AsyncDisposable & {
  readonly url: string;
  readonly recorded: Recorded[];
};

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function pass(incoming: IncomingMessage, outgoing: ServerResponse, to: URL, recorded: Recorded[]): Promise<void> {
  const asked = await buffer(incoming);
  const { method, headers, url: path = '/' } = incoming;
  const onward = send(new URL(path, to), { method, headers: { ...headers, host: to.host } });
  outgoing.once('close', () => onward.destroy());
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    onward.once('response', resolve).once('error', reject).end(asked);
  });
  outgoing.writeHead(response.statusCode ?? 502, response.headers);
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    outgoing.write(chunk);
  }
  // Recorded before the end is sent: whoever has the end finds the record.
  if (path.startsWith('/v1/')) recorded.push({ path, asked: asked.toString(), answered: Buffer.concat(chunks) });
  outgoing.end();
}

/** Starts one before `target`, the root of a server, on a free port of this machine. */
export async function startRecordingProxy(target: string): Promise<RecordingProxy> {
  const recorded: Recorded[] = [];
  const server = createServer((incoming, outgoing) => {
    pass(incoming, outgoing, new URL(target), recorded).catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    recorded,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
