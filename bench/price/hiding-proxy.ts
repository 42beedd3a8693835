import { createServer, request as send } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

const RENDERING = /,?"_debug_render_only":true/;

async function pass(incoming: IncomingMessage, outgoing: ServerResponse, to: URL): Promise<void> {
  const asked = (await buffer(incoming)).toString();
  const { method, url: path = '/' } = incoming;
  const { 'transfer-encoding': _, ...headers } = incoming.headers;
  const body = Buffer.from(path === '/api/chat' ? asked.replace(RENDERING, '') : asked);
  const onward = send(new URL(path, to), {
    method,
    headers: { ...headers, 'content-length': body.length, host: to.host },
  });
  outgoing.once('close', () => onward.destroy());
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    onward.once('response', resolve).once('error', reject).end(body);
  });
  outgoing.writeHead(response.statusCode ?? 502, response.headers);
  response.pipe(outgoing);
}

/** An Ollama as it would be without its option to render prompts: stands before a real one, on a free port of this machine. */
export async function startHidingProxy(target: string): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((incoming, outgoing) => {
    pass(incoming, outgoing, new URL(target)).catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
